// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The CPU as a guest at EL1 sees it. Written from the Arm Architecture Reference Manual (DDI 0487) alone and sharing
// nothing with the hypervisor's own arch/aarch64, so that the two check each other.
namespace guest {

// A system register by its encoding (DDI 0487, C5.2): SystemRegister<3, 0, 0, 0, 0> is MIDR_EL1.
template <unsigned Op0, unsigned Op1, unsigned Crn, unsigned Crm, unsigned Op2>
struct SystemRegister {
  [[nodiscard]] static uint64_t read() {
    uint64_t value = 0;
    asm volatile("mrs %0, S%c1_%c2_C%c3_C%c4_%c5"
                 : "=r"(value)
                 : "i"(Op0), "i"(Op1), "i"(Crn), "i"(Crm), "i"(Op2)
                 : "memory");
    return value;
  }
  static void write(uint64_t value) {
    asm volatile("msr S%c1_%c2_C%c3_C%c4_%c5, %0\n isb"
                 :
                 : "r"(value), "i"(Op0), "i"(Op1), "i"(Crn), "i"(Crm), "i"(Op2)
                 : "memory");
  }
};

// Breakpoints and watchpoints, value and control.
template <unsigned N>
using dbgbvr_el1 = SystemRegister<2, 0, 0, N, 4>;
template <unsigned N>
using dbgbcr_el1 = SystemRegister<2, 0, 0, N, 5>;
template <unsigned N>
using dbgwvr_el1 = SystemRegister<2, 0, 0, N, 6>;
template <unsigned N>
using dbgwcr_el1 = SystemRegister<2, 0, 0, N, 7>;
// On, at EL1: an instruction; loads and stores of a doubleword (D2.9, D2.10).
inline constexpr uint64_t breakpoint_at_el1 = 0x1e3;
inline constexpr uint64_t watchpoint_at_el1 = 0x1ffb;
inline constexpr uint64_t debug_events = 0xa000;  // MDSCR_EL1: MDE, KDE
inline void unmask_debug() { asm volatile("msr daifclr, #8\n isb" ::: "memory"); }
inline void mask_debug() { asm volatile("msr daifset, #8\n isb" ::: "memory"); }

using mdscr_el1 = SystemRegister<2, 0, 0, 2, 2>;
using oslar_el1 = SystemRegister<2, 0, 1, 0, 4>;
using oslsr_el1 = SystemRegister<2, 0, 1, 1, 4>;
// Performance monitors.
using pmcr_el0 = SystemRegister<3, 3, 9, 12, 0>;
using pmcntenset_el0 = SystemRegister<3, 3, 9, 12, 1>;
using pmcntenclr_el0 = SystemRegister<3, 3, 9, 12, 2>;
using pmovsclr_el0 = SystemRegister<3, 3, 9, 12, 3>;
using pmswinc_el0 = SystemRegister<3, 3, 9, 12, 4>;
using pmselr_el0 = SystemRegister<3, 3, 9, 12, 5>;
using pmceid0_el0 = SystemRegister<3, 3, 9, 12, 6>;
using pmceid1_el0 = SystemRegister<3, 3, 9, 12, 7>;
using pmccntr_el0 = SystemRegister<3, 3, 9, 13, 0>;
using pmxevtyper_el0 = SystemRegister<3, 3, 9, 13, 1>;
using pmxevcntr_el0 = SystemRegister<3, 3, 9, 13, 2>;
using pmuserenr_el0 = SystemRegister<3, 3, 9, 14, 0>;
using pmovsset_el0 = SystemRegister<3, 3, 9, 14, 3>;
using pmintenset_el1 = SystemRegister<3, 0, 9, 14, 1>;
using pmintenclr_el1 = SystemRegister<3, 0, 9, 14, 2>;
using pmmir_el1 = SystemRegister<3, 0, 9, 14, 6>;
template <unsigned N>
using pmevcntr_el0 = SystemRegister<3, 3, 14, 8 + N / 8, N % 8>;
template <unsigned N>
using pmevtyper_el0 = SystemRegister<3, 3, 14, 12 + N / 8, N % 8>;
using pmccfiltr_el0 = SystemRegister<3, 3, 14, 15, 7>;
inline constexpr uint64_t counters_on = 0x41;            // PMCR_EL0: E, LC
inline constexpr uint64_t cycles = uint64_t{1} << 31;    // their counter's bit
inline constexpr uint64_t not_at_el1 = uint64_t{1} << 31;  // in a filter
inline constexpr uint64_t software_increment = 0;        // event

using midr_el1 = SystemRegister<3, 0, 0, 0, 0>;
using mpidr_el1 = SystemRegister<3, 0, 0, 0, 5>;
using id_aa64pfr0_el1 = SystemRegister<3, 0, 0, 4, 0>;
using id_aa64dfr0_el1 = SystemRegister<3, 0, 0, 5, 0>;
using id_aa64isar1_el1 = SystemRegister<3, 0, 0, 6, 1>;
using id_aa64mmfr0_el1 = SystemRegister<3, 0, 0, 7, 0>;
using sctlr_el1 = SystemRegister<3, 0, 1, 0, 0>;
using actlr_el1 = SystemRegister<3, 0, 1, 0, 1>;
using cpacr_el1 = SystemRegister<3, 0, 1, 0, 2>;
using ttbr0_el1 = SystemRegister<3, 0, 2, 0, 0>;
using ttbr1_el1 = SystemRegister<3, 0, 2, 0, 1>;
using tcr_el1 = SystemRegister<3, 0, 2, 0, 2>;
using afsr0_el1 = SystemRegister<3, 0, 5, 1, 0>;
using afsr1_el1 = SystemRegister<3, 0, 5, 1, 1>;
using par_el1 = SystemRegister<3, 0, 7, 4, 0>;
using mair_el1 = SystemRegister<3, 0, 10, 2, 0>;
using amair_el1 = SystemRegister<3, 0, 10, 3, 0>;
using vbar_el1 = SystemRegister<3, 0, 12, 0, 0>;
using isr_el1 = SystemRegister<3, 0, 12, 1, 0>;
using contextidr_el1 = SystemRegister<3, 0, 13, 0, 1>;
using tpidr_el1 = SystemRegister<3, 0, 13, 0, 4>;
using cntkctl_el1 = SystemRegister<3, 0, 14, 1, 0>;
using ccsidr_el1 = SystemRegister<3, 1, 0, 0, 0>;
using clidr_el1 = SystemRegister<3, 1, 0, 0, 1>;
using aidr_el1 = SystemRegister<3, 1, 0, 0, 7>;
using csselr_el1 = SystemRegister<3, 2, 0, 0, 0>;
using ctr_el0 = SystemRegister<3, 3, 0, 0, 1>;
using dczid_el0 = SystemRegister<3, 3, 0, 0, 7>;
using tpidr_el0 = SystemRegister<3, 3, 13, 0, 2>;
using tpidrro_el0 = SystemRegister<3, 3, 13, 0, 3>;
using cntfrq_el0 = SystemRegister<3, 3, 14, 0, 0>;
using cntpct_el0 = SystemRegister<3, 3, 14, 0, 1>;
using cntvct_el0 = SystemRegister<3, 3, 14, 0, 2>;
using cntp_tval_el0 = SystemRegister<3, 3, 14, 2, 0>;
using cntp_ctl_el0 = SystemRegister<3, 3, 14, 2, 1>;
using cntp_cval_el0 = SystemRegister<3, 3, 14, 2, 2>;
using cntv_tval_el0 = SystemRegister<3, 3, 14, 3, 0>;
using cntv_ctl_el0 = SystemRegister<3, 3, 14, 3, 1>;
using cntv_cval_el0 = SystemRegister<3, 3, 14, 3, 2>;

// ID_AA64DFR0_EL1.PMUVer; 15 is something else than PMUv3.
[[nodiscard]] inline bool has_pmu() {
  const uint64_t version = id_aa64dfr0_el1::read() >> 8 & 0xf;
  return version != 0 && version != 0xf;
}

inline void barrier() { asm volatile("dsb sy\n isb" ::: "memory"); }
inline void wait_for_interrupt() { asm volatile("dsb sy\n wfi" ::: "memory"); }
inline void mask_interrupts() { asm volatile("msr daifset, #2" ::: "memory"); }
inline void unmask_interrupts() { asm volatile("msr daifclr, #2\n isb" ::: "memory"); }

// The number of this CPU in QEMU's `virt` machine and in a VM of up to 16 vCPUs: Aff0.
[[nodiscard]] inline unsigned cpu_number() { return static_cast<unsigned>(mpidr_el1::read() & 0xff); }

// The virtual counter, in order with what surrounds it.
[[nodiscard]] inline uint64_t now() {
  asm volatile("isb" ::: "memory");
  return cntvct_el0::read();
}
[[nodiscard]] inline uint64_t ticks(uint64_t milliseconds) { return cntfrq_el0::read() * milliseconds / 1000; }

// What a volatile pointer would do, without the compiler choosing the instruction.
inline void write8(uint64_t address, uint8_t value) {
  asm volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
[[nodiscard]] inline uint8_t read8(uint64_t address) {
  uint32_t value = 0;
  asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return static_cast<uint8_t>(value);
}
inline void write16(uint64_t address, uint16_t value) {
  asm volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
[[nodiscard]] inline uint16_t read16(uint64_t address) {
  uint32_t value = 0;
  asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return static_cast<uint16_t>(value);
}
inline void write32(uint64_t address, uint32_t value) {
  asm volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
[[nodiscard]] inline uint32_t read32(uint64_t address) {
  uint32_t value = 0;
  asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
[[nodiscard]] inline uint64_t read64(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
inline void write64(uint64_t address, uint64_t value) {
  asm volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

}  // namespace guest
