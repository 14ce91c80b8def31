// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"

// The SBSA generic watchdog of a VM (BSA, appendix A). Nothing happens where the machine has none.
namespace actor::watchdog {

inline constexpr uint32_t interrupt = 32 + 12;
inline constexpr uint64_t control = 0x0910'0000, offset = control + 8, refresh_frame = 0x0911'0000;

[[nodiscard]] inline bool exists() {
  return guest::machine.tree != nullptr && guest::machine.tree->find_compatible("arm,sbsa-gwdt").has_value();
}

// The period is that until the first signal.
inline void start(uint64_t milliseconds) {
  if (!exists()) return;
  guest::write32(offset, static_cast<uint32_t>(guest::ticks(milliseconds)));
  guest::gic::enable(interrupt);
  guest::write32(control, 1);
}

inline void refresh() { guest::write32(refresh_frame, 1); }

}  // namespace actor::watchdog
