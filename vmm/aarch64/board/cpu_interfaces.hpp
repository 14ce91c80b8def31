// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"
#include "vmm/trace_point.hpp"

namespace vmm {

// Tells the trace of an interrupt that becomes pending in a list register of the executing CPU.
void trace_injection(uint64_t lr);

// The hardware's list registers with that trace point.
template <class Hardware>
struct TracedListRegisters : Hardware {
  static void write(unsigned n, uint64_t lr) {
    if (tracer.enabled()) [[unlikely]] {
      trace_injection(lr);
    }
    Hardware::write(n, lr);
  }
};

// The synchronization of vgic/sync.hpp with each kind of list registers, one file each: they are large.
extern const vgic::CpuInterface gicv2_interface;
extern const vgic::CpuInterface gicv3_interface;

}  // namespace vmm
