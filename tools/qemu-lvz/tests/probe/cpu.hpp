// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the assembly keeps for each CPU. Only its own CPU touches a Cpu.
#pragma once

#include "layout.h"
#include "types.hpp"

namespace probe {

/// What the host's refill handler saw when it was last entered.
struct Refill {
  u64 badv, era, ehi, prmd, crmd, gstat, estat;
};

struct Cpu {
  u64 gpr[32];  // guest registers; [0] unused
  u64 host_sp;
  u64 slot;  // exit vector slot: the exception code, or 64 + interrupt number; 0 while ECFG.VS = 0
  u64 refills;
  Refill refill;
  u64 refill_becomes_exit;  // leave the guest instead of walking the second stage
  u64 try_a0, try_a1, try_pc, try_plv;
  u8 unused[CPU_SIZE - 376];
};

static_assert(sizeof(Cpu) == CPU_SIZE);
static_assert(offsetof(Cpu, gpr) == CPU_GPR && offsetof(Cpu, host_sp) == CPU_HOST_SP);
static_assert(offsetof(Cpu, slot) == CPU_SLOT && offsetof(Cpu, refills) == CPU_REFILLS);
static_assert(offsetof(Cpu, refill.badv) == CPU_REFILL_BADV && offsetof(Cpu, refill.era) == CPU_REFILL_ERA);
static_assert(offsetof(Cpu, refill.ehi) == CPU_REFILL_EHI && offsetof(Cpu, refill.prmd) == CPU_REFILL_PRMD);
static_assert(offsetof(Cpu, refill.crmd) == CPU_REFILL_CRMD && offsetof(Cpu, refill.gstat) == CPU_REFILL_GSTAT);
static_assert(offsetof(Cpu, refill.estat) == CPU_REFILL_ESTAT);
static_assert(offsetof(Cpu, refill_becomes_exit) == CPU_REFILL_BECOMES_EXIT);
static_assert(offsetof(Cpu, try_a0) == CPU_TRY_A0 && offsetof(Cpu, try_a1) == CPU_TRY_A1);
static_assert(offsetof(Cpu, try_pc) == CPU_TRY_PC && offsetof(Cpu, try_plv) == CPU_TRY_PLV);

extern "C" Cpu cpus[2];

inline Cpu& this_cpu() {
  u64 address;
  asm volatile("csrrd %0, %1" : "=r"(address) : "i"(SAVE_CPU));
  return *reinterpret_cast<Cpu*>(address);
}

inline unsigned cpu_number() { return static_cast<unsigned>(&this_cpu() - cpus); }

}  // namespace probe
