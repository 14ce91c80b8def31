// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/cpu_index.hpp"

namespace hal {
enum class Irq : uint32_t;
}

namespace arch {

// Keeps the contract of hal/irq.hpp with the CPU's own interrupt lines, the EIOINTC and the PCH-PIC. Numbers are vectors
// of the EIOINTC, or of the LIOINTC's inputs behind them (hal/platform/interrupts.hpp).
struct Irqs {
  static void poll();
  static bool are_up();
  static void enable(hal::Irq irq, hal::CpuIndex cpu, bool level);
  static void disable(hal::Irq irq);
  static void send_ipi(hal::CpuIndex cpu);

  // An interrupt that upcall::device_interrupt() kept is over: it may come again. Any CPU.
  static void complete(hal::Irq irq);
};

}  // namespace arch
