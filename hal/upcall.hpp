// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/cpu.hpp"
#include "hal/irq.hpp"

// The only way up: what arch/ and hal/ call, and the layers above define. Every function here is called on the CPU it
// is about, with interrupts masked and no lock held.
namespace hal::upcall {

// task: this CPU's hypervisor timer reached its deadline.
void timer_expired();
// task: another CPU sent an IPI.
void interrupted_by_cpu();
// vmm: a physical interrupt other than timer, IPI and the guest's own timer.
void device_interrupt(Irq irq);

}  // namespace hal::upcall
