// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/sysreg.hpp"

namespace arch {

// Keeps the contract of hal/timer.hpp with the EL2 physical timer (Arm ARM D12.2).
struct Timer {
  static uint64_t now() {
    // Without the barrier the counter may be read early, before what the caller did last (D12.1.2).
    isb();
    return read<regs::cntpct_el0>();
  }
  static uint64_t frequency() { return described_ != 0 ? described_ : read<regs::cntfrq_el0>(); }
  // Some firmware leaves CNTFRQ_EL0 unset, or wrong. What the device tree says goes before it (arm,arch_timer.yaml);
  // 0: nothing.
  static void set_frequency(uint64_t described) { described_ = described; }
  [[nodiscard]] static uint64_t described_frequency() { return described_; }
  static void set_deadline(uint64_t deadline) {
    if (deadline == ~uint64_t{0}) {
      write<regs::cnthp_ctl_el2>(0);
    } else {
      write<regs::cnthp_cval_el2>(deadline);
      write<regs::cnthp_ctl_el2>(regs::timer_control::enable::mask);
    }
    isb();
  }

 private:
  static inline constinit uint64_t described_ = 0;
};

}  // namespace arch
