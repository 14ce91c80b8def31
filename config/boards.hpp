// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"

// The maps of the machines that guests find by default, as far as a VM file can collide with them.
namespace config {

// Which key takes the device away again.
enum class DevicePresence : uint8_t { always, with_console, with_rtc, with_power_key, with_watchdog };

struct DeviceWindow {
  hal::GuestPhysRange range;
  std::string_view name;
  DevicePresence presence = DevicePresence::always;
};

struct Board {
  std::string_view name;
  // Where RAM of a stated size goes: the first bank is filled before the next.
  std::span<const hal::GuestPhysRange> ram_banks;
  std::span<const DeviceWindow> devices;
};

// RAM of the default VM begins where it does on QEMU's `virt` board of the same architecture.
inline constexpr hal::GuestPhys aarch64_ram_base{0x4000'0000};
inline constexpr hal::GuestPhys loongarch64_ram_base{0};

// QEMU's `virt` boards.
extern const Board aarch64_board;
extern const Board loongarch64_board;

}  // namespace config
