// SPDX-License-Identifier: Apache-2.0
#include "vmm/trace_point.hpp"

#include "hal/timer.hpp"
#include "task/cpu.hpp"
#include "vmm/vcpu.hpp"
#include "vmm/vm.hpp"

namespace vmm {

constinit Tracer tracer;

void put_trace(TraceSubject subject, TraceEvent event, uint32_t detail, uint64_t argument) {
  tracer.put(task::this_cpu().number(), hal::Timer::now(), subject, event, detail, argument);
}

void put_trace(const Vcpu& vcpu, TraceEvent event, uint32_t detail, uint64_t argument) {
  const TraceSubject subject{static_cast<uint16_t>(vcpu.vm().id()), static_cast<uint8_t>(vcpu.index())};
  put_trace(subject, event, detail, argument);
}

}  // namespace vmm
