// SPDX-License-Identifier: Apache-2.0
#include "arch/vcpu.hpp"

#include <span>

#include "arch/aarch64/report/report.hpp"

namespace arch {

void Vcpu::report(hal::TextSink& sink, hal::GuestInspector& guest) const {
  arch::report(sink,
               {.x = std::span(frame_->x).first<31>(), .pc = frame_->pc, .pstate = frame_->pstate, .system = system_},
               guest);
}

void Vcpu::describe_syndrome(hal::TextSink& sink, uint64_t syndrome) { arch::describe_syndrome(sink, syndrome); }

}  // namespace arch
