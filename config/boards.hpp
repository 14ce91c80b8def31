// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"

// The maps of the machines that guests find by default, as far as a VM file can collide with them. The numbers are
// those of aarch64_virt.hpp and loongarch64_virt.hpp, from which vmm makes the devices.
namespace config {

struct VmConfig;

struct DeviceWindow {
  hal::GuestPhysRange range;
  std::string_view name;
  bool (*is_present)(const VmConfig&) = nullptr;  // null: always
};

struct Board {
  std::string_view name;
  // Where RAM of a stated size goes: the first bank is filled before the next.
  std::span<const hal::GuestPhysRange> ram_banks;
  std::span<const DeviceWindow> devices;
  std::string_view uart;  // its model, as `console.model` calls it
  bool has_gic;
  bool has_sve;  // if the machine's CPUs have it
  bool has_watchdog;
  bool has_pmu;
};
inline constexpr size_t max_device_windows = 16;

// QEMU's `virt` boards.
extern const Board aarch64_board;
extern const Board loongarch64_board;

}  // namespace config
