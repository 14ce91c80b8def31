// SPDX-License-Identifier: Apache-2.0
// System registers and instructions that operating systems use without asking, trapped or not.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"

using namespace guest;

namespace probe {

namespace {
template <class Register>
void check_keeps(std::string_view name, uint64_t value) {
  uint64_t got = 0;
  const Fault fault = attempt([&] {
    const uint64_t old = Register::read();
    Register::write(value);
    got = Register::read();
    Register::write(old);
  });
  if (fault.taken) return check_quiet(name, fault);
  check_equal(name, got, value);
}

void kept_values() {
  check_keeps<contextidr_el1>("contextidr_keeps_its_value", 0x1234'5678);
  check_keeps<tpidr_el1>("tpidr_el1_keeps_its_value", 0x0123'4567'89ab'cdef);
  check_keeps<tpidr_el0>("tpidr_el0_keeps_its_value", 0xfedc'ba98'7654'3210);
  check_keeps<tpidrro_el0>("tpidrro_el0_keeps_its_value", 0x1111'2222'3333'4444);
  check_keeps<cntkctl_el1>("cntkctl_keeps_its_value", 0x3);
  check_keeps<vbar_el1>("vbar_keeps_its_value", 0x4321'0800);
  check_keeps<ttbr1_el1>("ttbr1_keeps_its_value", 0x4444'0000);
  check_keeps<par_el1>("par_keeps_a_fault", 0x801);
}

void implementation_defined() {
  check_quiet("actlr_is_readable", attempt([] { (void)actlr_el1::read(); }));
  check_quiet("actlr_is_writable", attempt([] { actlr_el1::write(actlr_el1::read()); }));
  check_quiet("afsr0_is_accessible", attempt([] { afsr0_el1::write(0), (void)afsr0_el1::read(); }));
  check_quiet("afsr1_is_accessible", attempt([] { afsr1_el1::write(0), (void)afsr1_el1::read(); }));
  check_quiet("amair_is_accessible", attempt([] { amair_el1::write(0), (void)amair_el1::read(); }));
}

void debug() {
  check_quiet("mdscr_is_accessible", attempt([] { SystemRegister<2, 0, 0, 2, 2>::write(0); }));
  check_quiet("oslar_is_writable", attempt([] { SystemRegister<2, 0, 1, 0, 4>::write(0); }));
  check_quiet("oslsr_is_readable", attempt([] { (void)SystemRegister<2, 0, 1, 1, 4>::read(); }));
  check_quiet("osdlr_is_writable", attempt([] { SystemRegister<2, 0, 1, 3, 4>::write(0); }));
  check_quiet("the_first_breakpoint_is_accessible", attempt([] {
                SystemRegister<2, 0, 0, 0, 5>::write(0);  // DBGBCR0_EL1
                SystemRegister<2, 0, 0, 0, 4>::write(0);  // DBGBVR0_EL1
              }));
  check_quiet("the_first_watchpoint_is_accessible", attempt([] {
                SystemRegister<2, 0, 0, 0, 7>::write(0);
                SystemRegister<2, 0, 0, 0, 6>::write(0);
              }));
  check_quiet("mdrar_is_readable", attempt([] { (void)SystemRegister<2, 0, 1, 0, 0>::read(); }));
}

void performance_monitors() {
  const bool offered = has_pmu();
  const Fault control = attempt([] { (void)pmcr_el0::read(); });
  check("pmcr_is_accessible_exactly_if_the_id_register_offers_it", offered != control.taken);
  const Fault cycles = attempt([] { (void)pmccntr_el0::read(); });
  check("pmccntr_is_accessible_exactly_if_the_id_register_offers_it", offered != cycles.taken);
}

void caches_and_translation() {
  alignas(64) static constinit char line[128]{};
  check_quiet("dc_civac_works", attempt([] { asm volatile("dc civac, %0" : : "r"(line) : "memory"); }));
  check_quiet("dc_cvac_works", attempt([] { asm volatile("dc cvac, %0" : : "r"(line) : "memory"); }));
  check_quiet("dc_ivac_works", attempt([] { asm volatile("dc ivac, %0" : : "r"(line) : "memory"); }));
  check_quiet("dc_isw_works", attempt([] { asm volatile("dc isw, xzr" ::: "memory"); }));
  check_quiet("dc_cisw_works", attempt([] { asm volatile("dc cisw, xzr" ::: "memory"); }));
  check_quiet("dc_csw_works", attempt([] { asm volatile("dc csw, xzr" ::: "memory"); }));
  check_quiet("ic_ialluis_works", attempt([] { asm volatile("ic ialluis" ::: "memory"); }));
  check_quiet("tlbi_vmalle1_works", attempt([] { asm volatile("tlbi vmalle1\n dsb sy\n isb" ::: "memory"); }));
  check_quiet("tlbi_vmalle1is_works", attempt([] { asm volatile("tlbi vmalle1is\n dsb sy\n isb" ::: "memory"); }));
  check_quiet("tlbi_vaae1is_works", attempt([] { asm volatile("tlbi vaae1is, xzr\n dsb sy\n isb" ::: "memory"); }));
  check_quiet("tlbi_aside1is_works", attempt([] { asm volatile("tlbi aside1is, xzr\n dsb sy\n isb" ::: "memory"); }));

  asm volatile("at s1e1r, %0\n isb" : : "r"(line) : "memory");
  const uint64_t par = par_el1::read();
  check_equal("at_s1e1r_translates_to_the_guest_physical_address", par & 0xff'ffff'f001,
              reinterpret_cast<uint64_t>(line) & ~uint64_t{0xfff});
  asm volatile("at s1e1r, %0\n isb" : : "r"(uint64_t{0x3f} << 33) : "memory");
  check("at_s1e1r_reports_a_translation_fault", (par_el1::read() & 1) == 1);
}

void floating_point() {
  uint64_t got = 0;
  asm volatile(
      ".arch_extension fp\n .arch_extension simd\n"
      "mov x9, #0x4242\n fmov d7, x9\n dsb sy\n yield\n mov x9, #0\n fmov %0, d7"
      : "=r"(got)
      :
      : "x9", "memory");
  check_equal("floating_point_registers_keep_their_value", got, 0x4242);
  check_quiet("fpcr_is_accessible", attempt([] { SystemRegister<3, 3, 4, 4, 0>::write(0); }));
}

// CPACR_EL1 is the guest's: with FPEN clear an FP instruction traps to EL1 (class 0x07).
void floating_point_trap() {
  const uint64_t old = cpacr_el1::read();
  cpacr_el1::write(0);
  const Fault fault = attempt([] { asm volatile(".arch_extension fp\n fmov d0, xzr" ::: "memory"); });
  cpacr_el1::write(old);
  check_class("floating_point_traps_to_the_guest_when_it_says_so", fault, 0x07);
}

// Writes that a hypervisor traps while it tracks guest page tables must behave the same afterwards.
void translation_control() {
  check_quiet("sctlr_can_be_written_back", attempt([] { sctlr_el1::write(sctlr_el1::read()); }));
  check_quiet("tcr_can_be_written_back", attempt([] { tcr_el1::write(tcr_el1::read()); }));
  check_quiet("the_mmu_can_be_turned_off_and_on", attempt([] {
                const uint64_t on = sctlr_el1::read();
                asm volatile("dsb sy\n msr sctlr_el1, %0\n isb\n msr sctlr_el1, %1\n isb"
                             :
                             : "r"(on & ~uint64_t{5}), "r"(on)
                             : "memory");
              }));
}
}  // namespace

void registers() {
  kept_values();
  implementation_defined();
  debug();
  performance_monitors();
  caches_and_translation();
  floating_point();
  floating_point_trap();
  translation_control();
}

}  // namespace probe
