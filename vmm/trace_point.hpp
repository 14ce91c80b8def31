// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/stats.hpp"
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

// An exit, from here to the end of the block: two trace points.
class TracedExit {
 public:
  TracedExit(const Vcpu& vcpu, ExitClass exit_class) : vcpu_(vcpu) {
    trace(vcpu_, TraceEvent::exit, static_cast<uint32_t>(exit_class));
  }
  ~TracedExit() { trace(vcpu_, TraceEvent::enter); }
  TracedExit(const TracedExit&) = delete;
  TracedExit& operator=(const TracedExit&) = delete;

 private:
  const Vcpu& vcpu_;
};

}  // namespace vmm
