// SPDX-License-Identifier: Apache-2.0
#include "config/boards.hpp"

namespace config {
namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;

// hw/arm/virt.c: RAM ends at the first high device window.
constexpr GuestPhysRange aarch64_banks[] = {{aarch64_ram_base, 255 * hal::gib}};
constexpr DeviceWindow aarch64_devices[] = {
    {{GuestPhys(0x0800'0000), 0x100'0000}, "the interrupt controller"},
    {{GuestPhys(0x0900'0000), 0x1000}, "the UART", DevicePresence::with_console},
    {{GuestPhys(0x0901'0000), 0x1000}, "the real-time clock", DevicePresence::with_rtc},
    {{GuestPhys(0x0903'0000), 0x1000}, "the power key", DevicePresence::with_power_key},
    {{GuestPhys(0x0910'0000), 0x1000}, "the watchdog", DevicePresence::with_watchdog},
    {{GuestPhys(0x0911'0000), 0x1000}, "the watchdog", DevicePresence::with_watchdog},
    {{GuestPhys(0x0a00'0000), 32 * 0x200}, "the virtio devices"},
};

// hw/loongarch/virt.c: low RAM of 256 MiB, the rest above the PCI windows.
constexpr GuestPhysRange loongarch64_banks[] = {{loongarch64_ram_base, 256 * hal::mib},
                                                {GuestPhys(0x8000'0000), 254 * hal::gib}};
constexpr DeviceWindow loongarch64_devices[] = {
    {{GuestPhys(0x1000'0000), 0x1000}, "the interrupt controller"},
    {{GuestPhys(0x100d'0100), 0x100}, "the real-time clock", DevicePresence::with_rtc},
    {{GuestPhys(0x100e'0000), 0x1000}, "the power controller"},
    {{GuestPhys(0x1fe0'01e0), 0x100}, "the UART", DevicePresence::with_console},
    {{GuestPhys(0x2ff0'0000), 0x1000}, "the interrupt controller for messages"},
};

}  // namespace

constinit const Board aarch64_board{"aarch64", aarch64_banks, aarch64_devices};
constinit const Board loongarch64_board{"loongarch64", loongarch64_banks, loongarch64_devices};

}  // namespace config
