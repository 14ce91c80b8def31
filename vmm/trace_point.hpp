// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/timer.hpp"
#include "task/cpu.hpp"
#include "vmm/trace.hpp"

namespace vmm {

// The one tracer of the machine.
extern constinit Tracer tracer;

// A trace point. On any CPU, with interrupts masked, whatever locks are held.
inline void trace(TraceSubject subject, TraceEvent event, uint32_t detail = 0, uint64_t argument = 0) {
  if (!tracer.enabled()) [[likely]] {
    return;
  }
  tracer.put(task::this_cpu().number(), hal::Timer::now(), subject, event, detail, argument);
}

}  // namespace vmm
