// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest sensitive privileged resources: instructions and CSR numbers that leave the guest with GSPR
// (reference 4.2, 5.5, 8.1), and the options of GCFG and GTLBC that add to them (2.1, 2.5).
#include "guest.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Row {
  const char* name;
  Word word;
};

constexpr Row sensitive[] = {
    {"cpucfg", cpucfg(a0, a1)},
    {"cpucfg of another register pair", cpucfg(s8, t7)},
    {"iocsrrd.b", iocsrrd(Size::b, a0, a1)},
    {"iocsrrd.h", iocsrrd(Size::h, a0, a1)},
    {"iocsrrd.w", iocsrrd(Size::w, a0, a1)},
    {"iocsrrd.d", iocsrrd(Size::d, a0, a1)},
    {"iocsrwr.b", iocsrwr(Size::b, a0, a1)},
    {"iocsrwr.h", iocsrwr(Size::h, a0, a1)},
    {"iocsrwr.w", iocsrwr(Size::w, a0, a1)},
    {"iocsrwr.d", iocsrwr(Size::d, a0, a1)},
    {"idle 0", idle(0)},
    {"idle 0x7fff", idle(0x7FFF)},
};

struct Register {
  const char* name;
  unsigned number;
};

constexpr Register outside_the_bank[] = {
    {"GTLBC", csr::gtlbc}, {"TRGP", csr::trgp},   {"GSTAT", csr::gstat},     {"GCFG", csr::gcfg},
    {"GINTC", csr::gintc}, {"GCNTC", csr::gcntc}, {"IMPCTL1", csr::impctl1}, {"IMPCTL2", csr::impctl2},
    {"MERRCTL", 0x90},     {"MERRINFO1", 0x91},   {"MERRINFO2", 0x92},       {"MERRENTRY", 0x93},
    {"MERRERA", 0x94},     {"MERRSAVE", 0x95},    {"CTAG", csr::ctag},       {"DBG", 0x500},
    {"DERA", 0x501},       {"DSAVE", 0x502},      {"MWPC", csr::mwpc},       {"MWPS", csr::mwpc + 1},
    {"MWP0CFG1", 0x310},   {"FWPC", csr::fwpc},   {"FWPS", csr::fwpc + 1},   {"FWP0CFG1", 0x390},
    {"PERFCTRL0", 0x200},  {"PERFCNTR0", 0x201},
};

void check_exit(const Row& row, const char* how = "exits with GSPR") {
  guest().load({row.word, syscall(0)});
  const Outcome outcome = guest().run();
  exits(outcome, ecode::gspr, {row.name, how});
  equal(outcome.badi, row.word, {row.name, "leaves its word in BADI"});
  equal(outcome.era, guest().code_address(), {row.name, "leaves its address in ERA"});
}

void check_instructions() {
  guest().reset();
  for (const Row& row : sensitive) check_exit(row);
  guest().reset(Mode::window);
  check_exit({"cpucfg in paged mode", cpucfg(a0, a1)});
  // cpucfg is no privileged instruction: the host answers for user programs as well.
  gcsr::exchange<csr::crmd>(3, 3);
  check_exit({"cpucfg at guest PLV3", cpucfg(a0, a1)});
  guest().reset();
  // The privilege check of volume 1 comes first.
  for (const Row& row : {sensitive[4], sensitive[8], sensitive[10]}) {
    guest_takes(guest().run_one(row.word, 3), ecode::ipe, {row.name, "at guest PLV3 is the guest's IPE"});
  }
}

void check_registers() {
  guest().reset();
  for (const auto& [name, number] : outside_the_bank) {
    check_exit({name, csrrd(a0, number)}, "read in the guest exits with GSPR");
    for (const Word word : {csrwr(a0, number), csrxchg(a0, a1, number)}) {
      guest().load({word, syscall(0)});
      const Outcome outcome = guest().run();
      exits(outcome, ecode::gspr, {name, word == csrwr(a0, number) ? "csrwr exits" : "csrxchg exits"});
    }
    guest_takes(guest().run_one(csrrd(a0, number), 3), ecode::ipe, {name, "at guest PLV3 is the guest's IPE"});
    gcsr::exchange<csr::crmd>(0, 3);
  }
  equal(csr::read<csr::gintc>(), 0, "none of the trapped writes reached GINTC");
}

}  // namespace

void test_sensitive() {
  if (!group("sensitive")) return;
  check_instructions();
  check_registers();
}

namespace {

constexpr u64 sit = 1 << 7, tit = 1 << 9, toe = 1 << 11, top = 1 << 13;

bool offered(u64 option) { return csr::read<csr::gcfg>() & option >> 1; }

void with_option(u64 option, const Row& row) {
  guest().reset_bank();
  finishes(guest().run_one(row.word), {row.name, "with the option off does not exit"});
  guest().reset_bank();
  csr::exchange<csr::gcfg>(option, option);
  const Outcome outcome = guest().run_one(row.word);
  exits(outcome, ecode::gspr, {row.name, "with the option on exits with GSPR"});
  equal(outcome.badi, row.word, {row.name, "with the option on leaves its word in BADI"});
  csr::exchange<csr::gcfg>(0, option);
}

void check_timer_option() {
  if (!offered(tit)) return note("TIT is not offered");
  constexpr Row rows[] = {
      {"TIT: rdtimel.w", rdtimel_w(a0, a1)},     {"TIT: rdtimeh.w", rdtimeh_w(a0, a1)},
      {"TIT: rdtime.d", rdtime_d(a0, a1)},       {"TIT: csrrd TCFG", csrrd(a0, csr::tcfg)},
      {"TIT: csrrd TVAL", csrrd(a0, csr::tval)},
  };
  for (const Row& row : rows) with_option(tit, row);
}

void check_privileged_option() {
  if (!offered(sit)) return note("SIT is not offered");
  constexpr Row rows[] = {
      {"SIT: csrrd CRMD", csrrd(a0, csr::crmd)},
      {"SIT: csrwr SAVE0", csrwr(a0, csr::save0)},
      {"SIT: tlbsrch", tlbsrch},
      {"SIT: invtlb", invtlb(0, zero, zero)},
  };
  for (const Row& row : rows) with_option(sit, row);
}

/// ertn and PLV changes: the exit's code is GSPR or GCM, the sources do not agree (reference 5.5).
void leaves(const Outcome& outcome, const Name& name) {
  pass_if(outcome.stop == Outcome::Stop::exit && (outcome.ecode == ecode::gspr || outcome.ecode == ecode::gcm), name,
          "exit GSPR or GCM");
}

void check_ertn_option() {
  if (!offered(toe)) return note("TOE is not offered");
  guest().reset_bank();
  csr::exchange<csr::gcfg>(toe, toe);
  gcsr::write<csr::era>(guest().code_address() + 8);
  guest().load({ertn, nop, hvcl(call::done)});
  const Outcome outcome = guest().run();
  leaves(outcome, "TOE: a guest ertn exits");
  equal(outcome.era, guest().code_address(), "TOE: ERA is the address of the ertn");
  csr::exchange<csr::gcfg>(0, toe);
  gcsr::write<csr::era>(guest().code_address() + 8);
  finishes(guest().run(), "TOE off: a guest ertn does not exit");
}

void check_plv_option() {
  if (!offered(top)) return note("TOP is not offered");
  guest().reset_bank();
  reg(a0) = csr::crmd_da | 3;
  guest().load({csrwr(a0, csr::crmd), syscall(0)});
  csr::exchange<csr::gcfg>(top, top);
  leaves(guest().run(), "TOP: a guest's change of CRMD.PLV exits");
  csr::exchange<csr::gcfg>(0, top);
  guest().reset_bank();
}

void check_cacop() {
  struct Kind {
    const char* name;
    u32 code;
    bool traps[3];  // by GCI: 0 all, 1 hit, 2 secure
  };
  constexpr Kind kinds[] = {
      {"store tag (0x01)", 0x01, {true, true, true}},
      {"index invalidate (0x09)", 0x09, {true, true, false}},
      {"hit invalidate (0x11)", 0x11, {true, false, false}},
  };
  constexpr const char* names[] = {"with GCI = 0", "with GCI = 1", "with GCI = 2"};
  for (u64 gci = 0; gci < 3; ++gci) {
    csr::write<csr::gcfg>(0);
    if (!(csr::read<csr::gcfg>() >> (16 + gci) & 1)) continue;
    for (const Kind& kind : kinds) {
      guest().reset_bank();
      csr::exchange<csr::gcfg>(gci << 20, 3 << 20);
      reg(a1) = guest().address(layout::data);
      const Outcome outcome = guest().run_one(cacop(kind.code, a1, 0));
      if (kind.traps[gci])
        exits(outcome, ecode::gspr, {"cacop", kind.name, names[gci], "exits"});
      else
        finishes(outcome, {"cacop", kind.name, names[gci], "does not exit"});
    }
  }
}

void check_tlb_option() {
  constexpr Row rows[] = {
      {"TOTI: tlbclr", tlbclr},
      {"TOTI: tlbflush", tlbflush},
      {"TOTI: tlbsrch", tlbsrch},
      {"TOTI: tlbrd", tlbrd},
      {"TOTI: tlbwr", tlbwr},
      {"TOTI: tlbfill", tlbfill},
      {"TOTI: invtlb 0", invtlb(0, zero, zero)},
      {"TOTI: invtlb 5", invtlb(5, a0, a1)},
  };
  for (const Row& row : rows) {
    guest().reset_bank();
    gcsr::write<csr::tlbidx>(geometry::page_shift << 24);
    finishes(guest().run_one(row.word), {row.name, "with the option off does not exit"});
    guest().reset_bank();
    csr::exchange<csr::gtlbc>(csr::gtlbc_toti, csr::gtlbc_toti);
    const Outcome outcome = guest().run_one(row.word);
    exits(outcome, ecode::gspr, {row.name, "with the option on exits with GSPR"});
    equal(outcome.badi, row.word, {row.name, "with the option on leaves its word in BADI"});
    csr::exchange<csr::gtlbc>(0, csr::gtlbc_toti);
  }
  flush_all_tlbs();
}

}  // namespace

void test_gcfg() {
  if (!group("trap-options")) return;
  guest().reset();
  check_timer_option();
  check_privileged_option();
  check_ertn_option();
  check_plv_option();
  check_cacop();
  check_tlb_option();
  guest().reset();
}

}  // namespace probe
