// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/cpu_index.hpp"

namespace hal {
enum class Irq : uint32_t;
}

namespace arch {

// Interrupts between fake CPUs; see tests/fakes/machine.hpp. Devices have none.
struct Irqs {
  static void poll();
  static bool are_up() { return true; }
  static void enable(hal::Irq, hal::CpuIndex, bool) {}
  static void disable(hal::Irq) {}
  static void send_ipi(hal::CpuIndex cpu);
};

}  // namespace arch
