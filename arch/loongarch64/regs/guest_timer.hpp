// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/loongarch64/regs/csr.hpp"

namespace arch::regs {

// A guest's timer while it is in no CPU (volume 1, 7.6.2 to 7.6.4). In a CPU it counts and raises ESTAT.IS[11] by
// itself, without an exit.
//
// A timer that expired is put back with its interrupt, not with TVAL = 0: that fires at once on hardware, but implies
// that hardware keeps EN of a one-shot that fired, and starts a new period on implementations that do not. A one-shot
// that fired is therefore put back with EN = 0: it counts no more until the guest writes TCFG, which is all that EN
// means.
struct GuestTimer {
  static constexpr uint64_t line = uint64_t{1} << interrupt_line::timer;
  static constexpr uint64_t never = ~uint64_t{0};

  uint64_t config = 0;        // TCFG
  uint64_t value = 0;         // TVAL, where it does not count
  uint64_t deadline = never;  // when it expires next, in ticks; never: it does not count
  bool pending = false;       // it has expired, and the guest has not acknowledged it

  [[nodiscard]] static constexpr uint64_t initial(uint64_t config) { return config & tcfg::initial::mask; }

  // What the registers held when it was stopped at `now`: TVAL, and ESTAT before and after TCFG was written 0.
  struct Registers {
    uint64_t config, value, estat_before, estat_after;
  };
  static constexpr GuestTimer taken(const Registers& from, uint64_t now) {
    GuestTimer timer{.config = from.config, .value = from.value, .pending = (from.estat_after & line) != 0};
    if (!tcfg::en::is_set(from.config)) return timer;
    // A one-shot that expired reads -1: more than it started from.
    const bool periodic = tcfg::periodic::is_set(from.config);
    const bool expired = from.value > initial(from.config);
    const bool between = (from.estat_after & ~from.estat_before & line) != 0;
    if (!periodic && (expired || between)) {
      timer.config &= ~tcfg::en::mask;
      timer.value = ~uint64_t{0};
      return timer;
    }
    // What expired while it was stopped has begun its next period, which is as long as this one's rest was short.
    timer.deadline = now + (between || expired ? initial(from.config) : from.value);
    return timer;
  }

  // When a vCPU that waits has to look, for a guest that lets the timer's line through, or not. An interrupt that came
  // between its last look and this is no reason to wait for the next one.
  [[nodiscard]] constexpr uint64_t wake_up(bool let_through) const { return pending && let_through ? 0 : deadline; }

  // It stood still for so long.
  constexpr void move(uint64_t ticks) {
    if (deadline != never) deadline += ticks;
  }

  // What to write to put it back at `now`: TCFG, then TVAL where it counts or held something, and whether TI is
  // pending.
  struct Plan {
    uint64_t config, value;
    bool pending;
  };
  [[nodiscard]] constexpr Plan put_back(uint64_t now) const {
    if (deadline == never) return {config, value, pending};
    if (now < deadline) return {config, deadline - now, pending};
    const uint64_t period = initial(config);
    if (!tcfg::periodic::is_set(config) || period == 0) return {config & ~tcfg::en::mask, ~uint64_t{0}, true};
    return {config, period - (now - deadline) % period, true};
  }
};

}  // namespace arch::regs
