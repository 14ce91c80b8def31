// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/cpu_index.hpp"

namespace hal {
enum class Irq : uint32_t;
}

namespace arch {

// Keeps the contract of hal/irq.hpp with the GIC that the FDT describes.
struct Irqs {
  static void poll();
  static bool are_up();
  static void enable(hal::Irq irq, hal::CpuIndex cpu, bool level);
  static void disable(hal::Irq irq);
  static void send_ipi(hal::CpuIndex cpu);
};

}  // namespace arch
