// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"
#include "arch/sysreg.hpp"

namespace arch {

// While registers of two guests are in the CPU at once, nothing may walk tables: at EL2 the EL1&0 regime is out of
// context, and so it is walked only for AT instructions (D8.16.5). Of those some cores execute one speculatively that is
// nowhere in the program, and fill a TLB with what it finds: errata 1530924 (Cortex-A53), 1530923 (A55), 1319537 (A57),
// 1319367 (A72), 1165522 (A76).

// Walks are off first; only then is the MMU forced on, so that an AT has to walk.
inline void stop_walks() {
  using namespace regs;
  write<tcr_el1>(read<tcr_el1>() | tcr_el1::epd0::mask | tcr_el1::epd1::mask);
  isb();
  write<sctlr_el1>(read<sctlr_el1>() | sctlr_el1::m::mask);
  isb();
}

// The other way round, when everything else is of one guest again.
inline void allow_walks(uint64_t sctlr, uint64_t tcr) {
  using namespace regs;
  isb();
  write<sctlr_el1>(sctlr);
  isb();
  write<tcr_el1>(tcr);
}

}  // namespace arch
