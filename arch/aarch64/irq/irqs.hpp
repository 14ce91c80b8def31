// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/cpu_index.hpp"

// The private interrupts that the hypervisor uses, by INTID as the FDT gives them.
namespace arch {
struct GuestFrame;
// An exit by interrupt: takes one from the interrupt controller and hands it on.
void guest_interrupted(GuestFrame& frame, uint64_t);
}  // namespace arch

namespace arch::irqs {

struct Numbers {
  uint32_t hypervisor_timer;
  uint32_t guest_timer;
  uint32_t maintenance;
  uint32_t counters;  // of the PMU; 0: none that is private to each CPU
};
void set_numbers(const Numbers& machine);
// Let them through on the executing CPU, number `cpu`.
void enable_private(hal::CpuIndex cpu);
[[nodiscard]] uint32_t guest_timer();
[[nodiscard]] uint32_t counters();

}  // namespace arch::irqs
