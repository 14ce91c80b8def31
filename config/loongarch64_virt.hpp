// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "hal/base/address.hpp"

// The machine that a LoongArch guest finds unless its VM file says otherwise: addresses and interrupt numbers of QEMU's
// `virt` board (hw/loongarch/virt.c). The only place that has them.
namespace config::loongarch64_virt {

using hal::GuestPhys;
using hal::GuestPhysRange;

inline constexpr GuestPhysRange pch_pic{GuestPhys(0x1000'0000), 0x400};
// The clock's own registers are the upper half; below them, the bridge's power management.
inline constexpr GuestPhysRange rtc{GuestPhys(0x100d'0000), 0x200};
inline constexpr GuestPhysRange ged{GuestPhys(0x100e'0000), 0x20};
// Not on QEMU's board: where kernels look for the devices of a PC. As large as their largest pages.
inline constexpr GuestPhysRange isa_io{GuestPhys(0x1800'0000), 0x4000};
// Of the PCI bus: I/O ports behind the ISA bus's, configuration space, memory for BARs.
inline constexpr GuestPhysRange pci_io{GuestPhys(0x1800'4000), 0xc000};
inline constexpr GuestPhysRange pci_config{GuestPhys(0x2000'0000), 0x800'0000};
inline constexpr GuestPhysRange pci_memory{GuestPhys(0x4000'0000), 0x4000'0000};
// Not on QEMU's board, but where Loongson's bridges have it: configuration space for kernels without a driver for ECAM.
inline constexpr GuestPhysRange pci_loongson_config{GuestPhys(0x1a00'0000), 0x1'0000};
inline constexpr GuestPhysRange uart{GuestPhys(0x1fe0'01e0), 0x100};
inline constexpr GuestPhysRange pch_msi{GuestPhys(0x2ff0'0000), 0x8};
// 256 MiB below the devices, the rest above the PCI windows.
inline constexpr GuestPhysRange ram_banks[] = {{GuestPhys(0), 256 * hal::mib},
                                               {GuestPhys(0x8000'0000), 254 * hal::gib}};

// Inputs of the PCH-PIC.
inline constexpr uint32_t pch_pic_inputs = 32;
inline constexpr uint32_t uart_input = 2;
inline constexpr uint32_t rtc_input = 6;
inline constexpr uint32_t pci_input = 16;  // the first of 4
// Vectors of the EIOINTC; those of messages begin behind the PCH-PIC's.
inline constexpr uint32_t vectors = 256;
inline constexpr uint32_t first_message_vector = pch_pic_inputs;

inline constexpr uint32_t uart_clock_hz = 100'000'000;

}  // namespace config::loongarch64_virt
