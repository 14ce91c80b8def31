// SPDX-License-Identifier: Apache-2.0
#include "arch/vcpu.hpp"

#include <span>

#include "arch/loongarch64/report/guest_report.hpp"
#include "arch/loongarch64/report/report.hpp"

namespace arch {

void Vcpu::report(hal::TextSink& sink, hal::GuestInspector& guest) const {
  arch::report(sink, {.r = frame.r, .pc = frame.pc, .estat = estat_, .bank = bank_}, guest);
}

void Vcpu::describe_syndrome(hal::TextSink& sink, uint64_t syndrome) { arch::describe_syndrome(sink, syndrome); }

}  // namespace arch
