// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "arch/loongarch64/regs/guest_bank.hpp"
#include "hal/base/format.hpp"
#include "hal/guest_inspector.hpp"

namespace arch {

// A vCPU that does not run: registers, the code around its PC, and how the guest translates the PC and BADV. Touches no
// CPU: tested on the host.
struct VcpuState {
  std::span<const uint64_t, 32> r;
  uint64_t pc;
  uint64_t estat;  // lines and last exception of the guest's own
  const regs::GuestBankImage& bank;
};
void report(hal::TextSink& sink, const VcpuState& state, hal::GuestInspector& guest);

}  // namespace arch
