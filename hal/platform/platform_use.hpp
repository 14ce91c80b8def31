// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hal/platform/platform.hpp"

namespace hal {

// What keeps a range of the machine's addresses from being handed out.
enum class PlatformUse : uint8_t {
  ram,
  firmware_memory,  // /reserved-memory, reservations: somebody's, though nobody says whose
  interrupt_controller,
  iommu,
  power_switch,
  console,
  unknown,  // the tree has more of these than were written down
};
// "the machine's RAM", "an IOMMU" ...: as a message says who has it.
[[nodiscard]] std::string_view name(PlatformUse use);

// The use of whatever `range` overlaps; nothing when it is free.
[[nodiscard]] std::optional<PlatformUse> use_of(const Platform& platform, HostPhysRange range);

// Fills in `interrupt_controllers`, `iommus`, `power_switches` and `lists_are_cut`. Part of discover_platform().
void find_controllers(const Fdt& fdt, Platform& platform);

}  // namespace hal
