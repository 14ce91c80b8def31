// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace arch {

// The guest's EL1 and EL0 system registers. They stay in the CPU across exits; this copy is current only while another
// vCPU has the CPU.
struct GuestSystemRegisters {
  uint64_t sctlr, actlr, cpacr, ttbr0, ttbr1, tcr;
  uint64_t spsr, elr, sp_el0, sp_el1;
  uint64_t afsr0, afsr1, esr, far, par, mair, amair, vbar;
  uint64_t contextidr, tpidr_el1, tpidr_el0, tpidrro_el0, csselr, mdscr;
  uint64_t cntkctl, cntv_ctl, cntv_cval;
  uint64_t vdisr;  // the guest's DISR_EL1, where there is FEAT_RAS
  uint64_t tpidr2;  // where there is FEAT_SME
  std::array<uint64_t, 10> pointer_keys;
};

// For reports: the names of all but the keys, which are secrets of the guest, in that order.
inline constexpr std::string_view guest_register_names =
    "sctlr actlr cpacr ttbr0 ttbr1 tcr spsr elr sp_el0 sp_el1 afsr0 afsr1 esr far par mair amair vbar contextidr "
    "tpidr_el1 tpidr_el0 tpidrro_el0 csselr mdscr cntkctl cntv_ctl cntv_cval vdisr tpidr2 ";

}  // namespace arch
