// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exceptions that stay in the guest (reference 5.5) with the registers volume 1 gives them, and the guest's bad
// use of LVZ (3.1, 3.2): refused, never executed.
#include "guest.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Row {
  const char* name;
  Word word;
  unsigned plv;
  unsigned code;
};

constexpr Row rows[] = {
    {"syscall", syscall(0x11), 0, ecode::sys},
    {"syscall at PLV3", syscall(0x12), 3, ecode::sys},
    {"break", break_(3), 0, ecode::brk},
    {"break at PLV3", break_(3), 3, ecode::brk},
    {"an undefined word", undefined, 0, ecode::ine},
    {"an undefined word at PLV3", undefined, 3, ecode::ine},
    {"csrrd at PLV3", csrrd(a0, csr::crmd), 3, ecode::ipe},
    {"csrwr at PLV3", csrwr(a0, csr::save0), 3, ecode::ipe},
    {"tlbsrch at PLV3", tlbsrch, 3, ecode::ipe},
    {"tlbfill at PLV3", tlbfill, 3, ecode::ipe},
    {"invtlb at PLV3", invtlb(0, zero, zero), 3, ecode::ipe},
    {"lddir at PLV3", lddir(a0, a1, 1), 3, ecode::ipe},
    {"ertn at PLV3", ertn, 3, ecode::ipe},
};

void check_registers(Mode mode, const char* where) {
  for (const Row& row : rows) {
    guest().reset_bank(mode);
    gcsr::exchange<csr::crmd>(row.plv | csr::crmd_ie, 7);
    guest().load({row.word});
    guest_takes(guest().run(), row.code, {row.name, where, "stays in the guest"});
    equal(gcsr::read<csr::era>(), guest().code_address(), {row.name, where, "leaves its address in guest ERA"});
    equal(gcsr::read<csr::badi>() & 0xFFFF'FFFF, row.word, {row.name, where, "leaves its word in guest BADI"});
    equal(gcsr::read<csr::prmd>() & 7, row.plv | csr::prmd_pie, {row.name, where, "leaves PLV and IE in guest PRMD"});
    equal(gcsr::read<csr::crmd>() & 7, 0, {row.name, where, "clears PLV and IE of guest CRMD"});
  }
}

void check_addresses() {
  guest().reset(Mode::window);
  constexpr u64 hole = u64{1} << 52;
  reg(a0) = hole;
  guest().load({ld_d(a1, a0, 0)});
  Outcome outcome = guest().run();
  guest_takes(outcome, ecode::ade, "a load from a non-canonical address is the guest's ADE");
  equal(outcome.esub, 1, "a load's ADE has subcode 1 (ADEM)");
  equal(gcsr::read<csr::badv>(), hole, "a load's ADE leaves the address in guest BADV");
  outcome = guest().run(hole);
  guest_takes(outcome, ecode::ade, "a fetch from a non-canonical address is the guest's ADE");
  equal(outcome.esub, 0, "a fetch's ADE has subcode 0 (ADEF)");
  for (const Word word : {amadd_db_d(a1, a2, a0), ll_d(a1, a0, 0)}) {
    guest().reset_bank();
    reg(a0) = layout::data.value + 4;
    guest().load({word});
    const char* what = word == ll_d(a1, a0, 0) ? "ll.d" : "amadd.d";
    guest_takes(guest().run(), ecode::ale, {"an unaligned", what, "is the guest's ALE"});
    equal(gcsr::read<csr::badv>(), layout::data.value + 4, {"an unaligned", what, "leaves its address in guest BADV"});
  }
}

void check_vector_table() {
  guest().reset();
  for (const Row& row : {rows[0], rows[2], rows[4]}) {
    guest().reset_bank();
    gcsr::write<csr::ecfg>(1 << 16);
    gcsr::write<csr::eentry>(layout::vector_table.value);
    guest().load({row.word});
    equal(guest().run().slot, row.code, {row.name, "with guest ECFG.VS set arrives in its own slot"});
  }
}

}  // namespace

void test_guest_exceptions() {
  if (!group("guest-exceptions")) return;
  guest().reset();
  check_registers(Mode::direct, "in direct mode");
  guest().reset(Mode::window);
  check_registers(Mode::window, "in paged mode");
  check_addresses();
  check_vector_table();
}

void test_guest_bad_use() {
  if (!group("guest-bad-use")) return;
  constexpr struct {
    const char* name;
    Word word;
  } host_only[] = {
      {"gcsrrd", gcsrrd(a0, csr::crmd)},
      {"gcsrwr", gcsrwr(a0, csr::save0)},
      {"gcsrxchg", gcsrxchg(a0, a1, csr::save0)},
      {"gcsrrd of GSTAT", gcsrrd(a0, csr::gstat)},
      {"gtlbclr", gtlbclr},
      {"gtlbflush", gtlbflush},
      {"gtlbsrch", gtlbsrch},
      {"gtlbrd", gtlbrd},
      {"gtlbwr", gtlbwr},
      {"gtlbfill", gtlbfill},
      {"invtlb 0x9", invtlb(0x9, a0, zero)},
      {"invtlb 0xa", invtlb(0xA, a0, zero)},
      {"invtlb 0xb", invtlb(0xB, a0, zero)},
      {"invtlb 0xc", invtlb(0xC, a0, zero)},
      {"invtlb 0xd", invtlb(0xD, a0, a1)},
      {"invtlb 0xe", invtlb(0xE, a0, a1)},
      {"invtlb 0x10", invtlb(0x10, a0, zero)},
      {"invtlb 0x11", invtlb(0x11, a0, zero)},
      {"invtlb 0x12", invtlb(0x12, zero, zero)},
      {"invtlb 0x13", invtlb(0x13, a0, zero)},
      {"invtlb 0x14", invtlb(0x14, a0, zero)},
      {"invtlb 0x15", invtlb(0x15, a0, zero)},
      {"invtlb 0x16", invtlb(0x16, a0, a1)},
  };
  guest().reset();
  for (const auto& [name, word] : host_only) {
    guest().reset_bank();
    gcsr::write<csr::save0>(0x5A);
    reg(a1) = ~u64{0};
    is_refused(guest().run_one(word), {name, "in a guest is refused"});
    equal(gcsr::read<csr::save0>(), 0x5A, {name, "in a guest changes no bank register"});
    guest().reset_bank();
    is_refused(guest().run_one(word, 3), {name, "at guest PLV3 is refused"});
  }
  for (const u32 op : {7u, 8u, 0x1Fu}) {
    guest().reset_bank();
    is_refused(guest().run_one(invtlb(op, zero, zero)),
               {"an undefined invtlb operation in a guest is refused", op < 9 ? (op == 7 ? "(7)" : "(8)") : "(0x1f)"});
  }
  // 32-bit addressing for PLV3 (MISC.VA32L3), if the CPU has it, while the guest is above 4 GiB.
  guest().reset(Mode::window);
  gcsr::write<csr::misc>(~u64{0});
  reg(a0) = 3;
  guest().load({csrxchg(a0, a0, csr::crmd), nop, nop, syscall(0)});
  static_cast<void>(guest().run());
  gcsr::write<csr::misc>(0);
  guest().reset();
  finishes(guest().run_one(nop), "every bit of guest MISC set at PLV3 above 4 GiB does no harm");
  equal(csr::read<csr::gstat>() & 3, 0, "the host is in host mode afterwards");
}

}  // namespace probe
