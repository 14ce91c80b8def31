// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/sysreg.hpp"

namespace arch {

// Keeps the contract of hal/timer.hpp with the stable counter and the CPU's constant timer (vol. 1, 7.6).
struct Timer {
  static uint64_t now() {
    uint64_t value;
    asm volatile("rdtime.d %0, $zero" : "=r"(value)::"memory");
    return value;
  }
  static uint64_t frequency() { return frequency_; }
  static void set_deadline(uint64_t deadline);

  // What CPUCFG says of the counter; false: it has no constant rate, or none that is known. Boot CPU, before the rest.
  [[nodiscard]] static bool discover();

 private:
  static uint64_t frequency_;
  static uint64_t longest_;  // ticks that the timer can count
};

}  // namespace arch
