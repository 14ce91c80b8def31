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

void set_numbers(uint32_t hypervisor_timer, uint32_t guest_timer, uint32_t maintenance);
// Let them through on the executing CPU, number `cpu`.
void enable_private(hal::CpuIndex cpu);
[[nodiscard]] uint32_t guest_timer();

}  // namespace arch::irqs
