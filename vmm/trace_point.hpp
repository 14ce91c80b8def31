// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/trace.hpp"

namespace vmm {

class Vcpu;

// The one tracer of the machine.
extern constinit Tracer tracer;

// What trace() does when tracing is on.
void put_trace(TraceSubject subject, TraceEvent event, uint32_t detail, uint64_t argument);
void put_trace(const Vcpu& vcpu, TraceEvent event, uint32_t detail, uint64_t argument);

// A trace point about a vCPU, or about a VM and number 0. On any CPU, with interrupts masked, whatever locks are held.
inline void trace(const auto& subject, TraceEvent event, uint32_t detail = 0, uint64_t argument = 0) {
  if (tracer.enabled()) [[unlikely]] {
    put_trace(subject, event, detail, argument);
  }
}

}  // namespace vmm
