// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/virt/guest_pmu.hpp"

namespace arch {

// The executing CPU's PMU. It stands still, with nothing in it, but between start() and stop().
struct HostPmu {
  // Each CPU calls, before guests run.
  static void join_cpu();
  // Of all CPUs together.
  [[nodiscard]] static const PmuModel& model();

  [[nodiscard]] static uint64_t value(unsigned counter);
  static void set(unsigned counter, uint64_t type, uint64_t value);
  [[nodiscard]] static uint32_t overflowed();
  struct Setting {
    uint32_t control;  // PMCR_EL0
    uint32_t enabled, overflowed, interrupts;
  };
  static void start(const Setting& setting);
  // Tells which have overflowed. Values stay.
  [[nodiscard]] static uint32_t stop();
  // PMCR_EL0.IMP and IDCODE; PMMIR_EL1 as far as guests see it.
  [[nodiscard]] static uint64_t identity();
  [[nodiscard]] static uint64_t slots();
};

}  // namespace arch
