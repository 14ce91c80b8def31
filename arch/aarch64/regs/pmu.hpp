// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"
#include "hal/base/bits.hpp"

// Performance monitors, PMUv3 (Arm ARM D13; registers D24.5). Pure layout.
namespace arch::regs {

struct pmcr_el0 : SystemRegister<3, 3, 9, 12, 0> {
  using e = Field<0>;    // counters count
  using p = Field<1>;    // written as 1: event counters become 0
  using c = Field<2>;    // the same for the cycle counter
  using d = Field<3>;    // cycles are counted by 64, without LC
  using lc = Field<6>;   // the cycle counter overflows at 64 bits, not at 32
  using lp = Field<7>;   // FEAT_PMUv3p5: the same for event counters
  using fzo = Field<9>;  // FEAT_PMUv3p7: an overflow stops event counters
  using n = Field<15, 11>;
  using idcode = Field<23, 16>;
  using imp = Field<31, 24>;
};
struct pmcntenset_el0 : SystemRegister<3, 3, 9, 12, 1> {};
struct pmcntenclr_el0 : SystemRegister<3, 3, 9, 12, 2> {};
struct pmovsclr_el0 : SystemRegister<3, 3, 9, 12, 3> {};
struct pmswinc_el0 : SystemRegister<3, 3, 9, 12, 4> {};
struct pmselr_el0 : SystemRegister<3, 3, 9, 12, 5> {
  using sel = Field<4, 0>;
};
struct pmceid0_el0 : SystemRegister<3, 3, 9, 12, 6> {};
struct pmceid1_el0 : SystemRegister<3, 3, 9, 12, 7> {};
struct pmccntr_el0 : SystemRegister<3, 3, 9, 13, 0> {};
struct pmxevtyper_el0 : SystemRegister<3, 3, 9, 13, 1> {};
struct pmxevcntr_el0 : SystemRegister<3, 3, 9, 13, 2> {};
struct pmuserenr_el0 : SystemRegister<3, 3, 9, 14, 0> {
  using en = Field<0>;  // EL0 has everything
  using sw = Field<1>;  // EL0 writes PMSWINC_EL0
  using cr = Field<2>;  // EL0 reads the cycle counter
  using er = Field<3>;  // EL0 reads event counters, and selects one
  static constexpr uint64_t all = 0xf;
};
struct pmovsset_el0 : SystemRegister<3, 3, 9, 14, 3> {};
struct pmintenset_el1 : SystemRegister<3, 0, 9, 14, 1> {};
struct pmintenclr_el1 : SystemRegister<3, 0, 9, 14, 2> {};
// FEAT_PMUv3p4. Thresholds and edges (FEAT_PMUv3_TH) lie above.
struct pmmir_el1 : SystemRegister<3, 0, 9, 14, 6> {
  using slots = Field<7, 0>;
  using bus_slots = Field<15, 8>;
  using bus_width = Field<19, 16>;
};

// PMEVTYPER<n>_EL0 and PMCCFILTR_EL0. Every bit that is not named here widens what is counted to other exception
// levels, Security states or threads (NSH, NSK, NSU, M, SH, T, MT), or belongs to features that guests do not see.
struct pmevtyper {
  using event = Field<15, 0>;  // ten bits before FEAT_PMUv3p1
  using u = Field<30>;         // not at EL0
  using p = Field<31>;         // not at EL1
  static constexpr uint64_t filter = u::mask | p::mask;
  static constexpr uint64_t software_increment = 0x00, chain = 0x1e;
};

// ID_AA64DFR0_EL1.PMUVer.
struct pmu_version {
  static constexpr uint64_t v3p1 = 4, v3p4 = 5, v3p5 = 6, v3p7 = 7, v3p8 = 8;
  // 0xf is a PMU in a way of its own.
  static constexpr bool is_pmuv3(uint64_t version) { return version != 0 && version != 0xf; }
};

// The cycle counter's number, in masks of counters and for PMSELR_EL0.
inline constexpr unsigned cycle_counter = 31;

// PMEVCNTR<n>_EL0 and PMEVTYPER<n>_EL0 have CRm from 8 and from 12 on; the last of the types is PMCCFILTR_EL0.
inline constexpr uint32_t numbered_pmu_registers = register_id(3, 3, 14, 8, 0);
constexpr bool is_numbered_pmu_register(uint32_t id) {
  return (id & ~register_id(0, 0, 0, 7, 7)) == numbered_pmu_registers;
}
// Is it a register of the PMU at all, if it is one that a guest can reach?
constexpr bool is_pmu_register(uint32_t id) {
  constexpr uint32_t others = register_id(3, 0, 9, 12, 0), any = register_id(0, 7, 0, 3, 7);
  return (id & ~any) == others || is_numbered_pmu_register(id);
}

}  // namespace arch::regs
