// SPDX-License-Identifier: GPL-2.0-or-later
//
// Floating point and vectors under two EUENs (reference 2.8, 5.5), LL/SC across exits (2.8, A.12), and the
// guest's ertn (2.3, A.6).
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Unit {
  const char* name;
  u64 bit;  // of EUEN
  unsigned code;
  Word load, store;
};

constexpr u64 all_units = 7;
constexpr Unit units[] = {
    {"FP", 1, ecode::fpd, movgr2fr_d(3, a2), movfr2gr_d(a3, 3)},
    {"LSX", 2, ecode::sxd, vld(3, a0, 0), vst(3, a0, 32)},
    {"LASX", 4, ecode::asxd, xvld(3, a0, 0), xvst(3, a0, 32)},
};

Outcome use(const Unit& unit, u64 host, u64 in_guest) {
  guest().reset_bank();
  gcsr::write<csr::euen>(in_guest);
  csr::write<csr::euen>(host);
  reg(a0) = layout::data.value;
  reg(a2) = 0x4045'0000'0000'0000;
  guest().word(layout::data) = 0x1111;
  guest().word(layout::data + 8) = 0x2222;
  guest().word(layout::data + 32) = 0;
  const Word program[] = {unit.load, unit.store};
  const Outcome outcome = guest().run(program);
  csr::write<csr::euen>(0);
  return outcome;
}

void check_unit(const Unit& unit) {
  finishes(use(unit, all_units, all_units), {unit.name, "works with both EUEN bits set"});
  if (unit.code == ecode::fpd)
    equal(reg(a3), reg(a2), {unit.name, "moves the right value"});
  else
    equal(guest().word(layout::data + 40), 0x2222, {unit.name, "copies the right value"});
  Outcome outcome = use(unit, all_units & ~unit.bit, all_units);
  exits(outcome, unit.code, {unit.name, "with only the host's EUEN bit clear exits"});
  equal(outcome.era, guest().code_address(), {unit.name, "exit leaves the instruction's address in ERA"});
  outcome = use(unit, all_units, all_units & ~unit.bit);
  guest_takes(outcome, unit.code, {unit.name, "with only the guest's EUEN bit clear is the guest's exception"});
  outcome = use(unit, all_units & ~unit.bit, all_units & ~unit.bit);
  guest_takes(outcome, unit.code, {unit.name, "with both EUEN bits clear is the guest's exception"});
  outcome = use(unit, all_units & ~unit.bit, all_units);
  csr::write<csr::euen>(all_units);
  finishes(guest().run(outcome.era), {unit.name, "goes on once the host sets its bit"});
  csr::write<csr::euen>(0);
}

void check_fpe() {
  guest().reset_bank();
  csr::write<csr::euen>(1);
  gcsr::write<csr::euen>(1);
  reg(a2) = 1 << 3;  // enable division by zero
  reg(a3) = 0x3FF0'0000'0000'0000;
  const Word program[] = {movgr2fcsr0(a2), movgr2fr_d(1, a3), movgr2fr_d(2, zero), fdiv_d_f0_f1_f2};
  guest().load(program);
  guest_takes(guest().run(), ecode::fpe, "a division by zero with its trap enabled is the guest's FPE");
  const Word quiet[] = {movgr2fcsr0(zero)};
  static_cast<void>(guest().run(quiet));
  csr::write<csr::euen>(0);
}

}  // namespace

void test_euen() {
  if (!group("euen")) return;
  guest().reset();
  for (const Unit& unit : units) check_unit(unit);
  check_fpe();
  guest().reset();
}

namespace {

/// ll.d, `between`, sc.d; the result of sc.d is in a2.
constexpr u64 ll_value = 0x10;

void prepare_ll(Word between) {
  guest().reset_bank();
  guest().word(layout::data) = ll_value;
  reg(a0) = layout::data.value;
  reg(a2) = 0x20;
  guest().load({ll_d(a1, a0, 0), between, sc_d(a2, a0, 0), hvcl(call::done)});
}

void sc_gives(const Outcome& outcome, u64 success, const Name& name) {
  if (outcome.stop != Outcome::Stop::done) return finishes(outcome, name);
  equal(reg(a2), success, name);
}

void check_plain() {
  guest().reset();
  prepare_ll(nop);
  sc_gives(guest().run(), 1, "LL and SC in a row succeed");
  reg(a2) = 0x30;
  sc_gives(guest().run(guest().code_address() + 8), 0, "SC without LL fails");
  prepare_ll(csrwr(a3, csr::llbctl));
  reg(a3) = csr::llb_wcllb;
  sc_gives(guest().run(), 0, "the guest's own WCLLB makes SC fail");
}

void check_across_exit() {
  prepare_ll(hvcl(5));
  Outcome outcome = guest().run();
  equal_in(gcsr::read<csr::llbctl>(), csr::llb_rollb, csr::llb_rollb,
           "after an exit guest LLBCTL.ROLLB tells of the LL");
  sc_gives(guest().run(outcome.era + 4), 1, "an exit between LL and SC does not break the link");

  prepare_ll(hvcl(5));
  outcome = guest().run();
  static_cast<void>(try_host(nop));
  sc_gives(guest().run(outcome.era + 4), 1, "an ertn of the host to itself does not break the guest's link");

  prepare_ll(hvcl(5));
  outcome = guest().run();
  gcsr::write<csr::llbctl>(csr::llb_wcllb);
  equal_in(gcsr::read<csr::llbctl>(), csr::llb_rollb, 0, "WCLLB written by the host clears ROLLB");
  sc_gives(guest().run(outcome.era + 4), 0, "WCLLB written by the host makes the guest's SC fail");
  equal_in(gcsr::read<csr::llbctl>(), csr::llb_wcllb, 0, "WCLLB reads 0");
}

void check_across_ertn() {
  prepare_ll(ertn);
  gcsr::write<csr::era>(guest().code_address() + 8);
  sc_gives(guest().run(), 0, "the guest's own ertn breaks its link");
  prepare_ll(ertn);
  gcsr::write<csr::era>(guest().code_address() + 8);
  gcsr::write<csr::llbctl>(csr::llb_klo);
  sc_gives(guest().run(), 1, "with KLO set the guest's ertn keeps the link");
  equal_in(gcsr::read<csr::llbctl>(), csr::llb_klo, 0, "that ertn clears KLO");
}

void check_across_refill() {
  guest().reset();
  guest().stage2().map(layout::outside.value, guest().frame(0).value, leaf::read_write);
  prepare_ll(ld_d(a4, a3, 0));
  reg(a3) = layout::data.value;
  static_cast<void>(guest().run());  // code and data have their entries now
  prepare_ll(ld_d(a4, a3, 0));
  reg(a3) = layout::outside.value;
  const Outcome outcome = guest().run();
  equal(outcome.refills, 1, "a stage-2 refill happens between LL and SC");
  sc_gives(outcome, 1, "a stage-2 refill does not break the guest's link");

  guest().reset(Mode::window);
  prepare_ll(ld_d(a4, a3, 0));
  guest().reset_bank(Mode::window);
  guest().enable_paging();
  guest().map(0x44'0000'4000, layout::data + 4 * page_size);
  reg(a0) = guest().address(layout::data);
  reg(a3) = 0x44'0000'4000;
  sc_gives(guest().run(), 1, "the guest's own refill does not break its link");
}

void check_host_link() {
  guest().reset();
  guest().load({hvcl(call::done)});
  u64 word = 1, seen, stored = 2;
  asm volatile("ll.d %0, %1, 0" : "=r"(seen) : "r"(&word) : "memory");
  static_cast<void>(guest().run());
  asm volatile("sc.d %0, %1, 0" : "+r"(stored) : "r"(&word) : "memory");
  equal(stored, 0, "the entering ertn breaks the host's own link");
  static_cast<void>(seen);
}

}  // namespace

void test_llbctl() {
  if (!group("llbctl")) return;
  check_plain();
  check_across_exit();
  check_across_ertn();
  check_across_refill();
  check_host_link();
  guest().reset();
}

void test_ertn() {
  if (!group("ertn")) return;
  guest().reset(Mode::window);
  const u64 target = guest().code_address() + 8;
  gcsr::write<csr::era>(target);
  gcsr::write<csr::prmd>(3 | csr::prmd_pie);
  guest().load({ertn, nop, syscall(1)});
  guest_takes(guest().run(), ecode::sys, "the guest's ertn stays in the guest");
  equal(gcsr::read<csr::era>(), target, "the guest's ertn goes to guest ERA");
  equal(gcsr::read<csr::prmd>() & 7, 3 | csr::prmd_pie, "the guest's ertn takes PLV and IE from guest PRMD");

  guest().reset();
  gcsr::write<csr::tlbrera>(guest_window | (layout::code.value + 8) | csr::tlbrera_istlbr);
  gcsr::write<csr::tlbrprmd>(0);
  gcsr::write<csr::eentry>(guest_window | layout::vectors.value);
  guest().load({ertn, nop, csrrd(a0, csr::crmd), csrrd(a1, csr::tlbrera), hvcl(call::done)});
  finishes(guest().run(), "the guest's ertn from a refill goes to guest TLBRERA");
  equal(reg(a0) & (csr::crmd_da | csr::crmd_pg | 7), csr::crmd_pg, "the guest's ertn from a refill enters paged mode");
  equal(reg(a1) & csr::tlbrera_istlbr, 0, "the guest's ertn from a refill clears ISTLBR");
  equal(csr::read<csr::tlbrera>() & csr::tlbrera_istlbr, 0, "the guest's ertn leaves the host's TLBRERA alone");

  guest().reset();
  guest().set_enter_by_refill(true);
  const Word program[] = {addi_d(a0, a0, 1)};
  reg(a0) = 6;
  const Outcome outcome = guest().run(program);
  guest().set_enter_by_refill(false);
  finishes(outcome, "the host's ertn with ISTLBR and TLBRPRMD.PGM enters the guest at TLBRERA");
  equal(reg(a0), 7, "the guest ran");
  equal(csr::read<csr::tlbrera>() & csr::tlbrera_istlbr, 0, "the host's ertn cleared ISTLBR");
  csr::write<csr::tlbrera>(0);
  csr::write<csr::tlbrprmd>(0);
  guest().reset();
}

}  // namespace probe
