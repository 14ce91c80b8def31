// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "arch/aarch64/regs/guest_registers.hpp"
#include "hal/base/format.hpp"
#include "hal/guest_inspector.hpp"

// Registers and syndromes in words. Touches no CPU: tested on the host.
namespace arch {

// ESR_ELx.EC (D24.2.40). Empty: none that has a name here.
[[nodiscard]] std::string_view cause_of(uint64_t esr);

// A syndrome on one line, without its end: "0x92000045: data abort, write, translation fault at level 1".
void describe_syndrome(hal::TextSink& sink, uint64_t esr);
// "EL1h nZCv DaIF": a status in AArch64 or AArch32 form, with a capital for each bit that is set.
void describe_status(hal::TextSink& sink, uint64_t spsr);

// A vCPU that does not run: registers, the code around its PC, and how the guest translates the PC and FAR_EL1.
struct VcpuState {
  std::span<const uint64_t, 31> x;
  uint64_t pc;
  uint64_t pstate;
  const GuestSystemRegisters& system;
};
void report(hal::TextSink& sink, const VcpuState& state, hal::GuestInspector& guest);

}  // namespace arch
