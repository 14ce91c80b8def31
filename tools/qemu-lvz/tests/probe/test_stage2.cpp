// SPDX-License-Identifier: GPL-2.0-or-later
//
// The second stage: its refill (reference 5.6), its faults with GPA in BADV (5.3, 5.5, 6.5), what a leaf may
// forbid (6.3) and what maintenance a change needs (6.6).
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr Gpa page = layout::outside;
constexpr u64 offset = 0x238;
/// A guest virtual address whose page number has nothing in common with `page`.
constexpr u64 paged_va = 0x12'3457'6000;

enum class Access { load, store, fetch };
enum class View { direct, window, paged };

struct Row {
  const char* name;
  Access access;
  u64 flags;  // of the stage-2 leaf; 0 leaves the page unmapped
  unsigned code;
};

constexpr Row rows[] = {
    {"a load from an unmapped page", Access::load, 0, ecode::pil},
    {"a store to an unmapped page", Access::store, 0, ecode::pis},
    {"a fetch from an unmapped page", Access::fetch, 0, ecode::pif},
    {"a store to a page without D", Access::store, leaf::read_only, ecode::pme},
    {"a load from a page with NR", Access::load, leaf::read_write | leaf::nr, ecode::pnr},
    {"a fetch from a page with NX", Access::fetch, leaf::read_write | leaf::nx, ecode::pnx},
};

struct {
  View view;
  const char* name;
} constexpr views[] = {
    {View::direct, "in direct mode"}, {View::window, "through a window"}, {View::paged, "through stage 1"}};

/// Resets the guest for `view`; returns the address under which it sees `page`.
u64 prepare(View view) {
  guest().reset(view == View::direct ? Mode::direct : Mode::window);
  if (view == View::direct) return page.value;
  if (view == View::window) return guest_window | page.value;
  guest().enable_paging();
  guest().map(paged_va, page);
  return paged_va;
}

Word access_word(Access access) {
  if (access == Access::load) return ld_d(a1, a0, 0);
  if (access == Access::store) return st_d(a1, a0, 0);
  return jirl(ra, a0);
}

void check_fault(const Row& row, View view, const char* where) {
  const u64 seen = prepare(view) + offset;
  if (row.flags) guest().stage2().map(page.value, guest().frame(0).value, row.flags);
  reg(a0) = seen;
  const Word word = access_word(row.access);
  const Word program[] = {nop, word, hvcl(call::done)};
  guest().load(program);
  const Outcome outcome = guest().run();
  exits(outcome, row.code, {row.name, where, "exits"});
  equal(outcome.badv, page.value + offset, {row.name, where, "leaves the GPA in BADV"});
  if (row.access == Access::fetch) return equal(outcome.era, seen, {row.name, where, "leaves the target in ERA"});
  equal(outcome.era, guest().code_address() + 4, {row.name, where, "leaves the instruction's address in ERA"});
  equal(outcome.badi, word, {row.name, where, "leaves the instruction in BADI"});
}

/// Every width reports the exact byte: KVM takes an MMIO address from BADV.
void check_widths() {
  constexpr struct {
    const char* name;
    Word word;
    unsigned code;
  } accesses[] = {
      {"ld.b", ld_b(a1, a0, 3), ecode::pil},    {"ld.h", ld_h(a1, a0, 3), ecode::pil},
      {"ld.w", ld_w(a1, a0, 3), ecode::pil},    {"ld.d", ld_d(a1, a0, 3), ecode::pil},
      {"ld.bu", ld_bu(a1, a0, 3), ecode::pil},  {"ld.hu", ld_hu(a1, a0, 3), ecode::pil},
      {"ld.wu", ld_wu(a1, a0, 3), ecode::pil},  {"ldptr.d", ldptr_d(a1, a0, 4), ecode::pil},
      {"ldx.d", ldx_d(a1, a0, a2), ecode::pil}, {"st.b", st_b(a1, a0, 3), ecode::pis},
      {"st.h", st_h(a1, a0, 3), ecode::pis},    {"st.w", st_w(a1, a0, 3), ecode::pis},
      {"st.d", st_d(a1, a0, 3), ecode::pis},    {"stptr.d", stptr_d(a1, a0, 4), ecode::pis},
      {"stx.d", stx_d(a1, a0, a2), ecode::pis},
  };
  guest().reset();
  for (const auto& [name, word, code] : accesses) {
    guest().reset_bank();
    const bool scaled = word == ldptr_d(a1, a0, 4) || word == stptr_d(a1, a0, 4);
    reg(a0) = page.value + offset;
    reg(a2) = 3;
    guest().load({word});
    const Outcome outcome = guest().run();
    exits(outcome, code, {name, "of an unmapped page exits"});
    equal(outcome.badv, page.value + offset + (scaled ? 4 : 3), {name, "leaves its exact address in BADV"});
    equal(outcome.badi, word, {name, "leaves its word in BADI"});
  }
}

void check_refill(View view, const char* where) {
  const u64 seen = prepare(view) + offset;
  guest().stage2().map(page.value, guest().frame(0).value, leaf::read_write);
  *cached({guest().frame(0).value + offset}) = 0xFEED;
  reg(a0) = seen;
  // Code and tables get their entries first, so that the access under test is the last refill.
  guest().load({nop, hvcl(call::done), ld_d(a1, a0, 0), ld_d(a2, a0, 0), hvcl(call::done)});
  finishes(guest().run(), {"warm-up", where, "ends"});
  const u64 code_before = csr::read<csr::estat>() & (u64{0x7FFF} << 16);
  const Outcome outcome = guest().run(guest().code_address() + 8);
  const Refill& refill = this_cpu().refill;
  finishes(outcome, {"a mapped page", where, "is read"});
  equal(reg(a1), 0xFEED, {"a mapped page", where, "is the frame stage 2 names"});
  equal(reg(a2), 0xFEED, {"a mapped page", where, "is read again"});
  if (view != View::paged) equal(outcome.refills, 1, {"two loads", where, "take one refill"});
  equal(refill.badv, page.value + offset, {"refill", where, "has the GPA in TLBRBADV"});
  equal(refill.ehi & physical_mask & ~u64{0x1FFF}, page.value, {"refill", where, "has the page pair in TLBREHI"});
  equal(refill.era, (guest().code_address() + 8) | 1, {"refill", where, "has PC and ISTLBR in TLBRERA"});
  equal(refill.crmd & 0x1F, csr::crmd_da, {"refill", where, "runs in direct mode at PLV0 with IE 0"});
  equal(refill.prmd & 7, csr::prmd_pie, {"refill", where, "has the host's PLV and IE in TLBRPRMD"});
  equal(refill.prmd & csr::tlbrprmd_pgm, csr::tlbrprmd_pgm, {"refill", where, "has PGM set in TLBRPRMD"});
  equal(refill.gstat & 3, csr::gstat_pvm, {"refill", where, "sees VM 0 and PVM 1"});
  equal(refill.estat & (u64{0x7FFF} << 16), code_before, {"refill", where, "leaves ESTAT's code alone"});
}

void check_refill_as_exit() {
  guest().reset();
  guest().stage2().map(page.value, guest().frame(0).value, leaf::read_write);
  *cached(guest().frame(0)) = 0xABC;
  reg(a0) = page.value;
  reg(s8) = 0x5555;
  guest().load({hvcl(call::done), ld_d(a1, a0, 0), hvcl(call::done)});
  finishes(guest().run(), "warm-up before the refill exit");
  this_cpu().refill_becomes_exit = 1;
  const Outcome outcome = guest().run(guest().code_address() + 4);
  this_cpu().refill_becomes_exit = 0;
  pass_if(outcome.stop == Outcome::Stop::host_refill, "a refill can become an exit", "host refill");
  equal(reg(s8), 0x5555, "a refill that became an exit keeps the guest's registers");
  pass_if(try_host(nop).none, "after a refill exit the host's own ertn stays in the host", "no exception");
  finishes(guest().run(this_cpu().refill.era & ~u64{1}), "the guest goes on at TLBRERA");
  equal(reg(a1), 0xABC, "the load that missed completes");
}

void check_fix_up() {
  for (const u64 at : {page.value, page.value + page_size}) {
    guest().reset();
    reg(a0) = at;
    *cached(guest().frame(at == page.value ? 4 : 5)) = 0x77;
    guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
    const char* which = at == page.value ? "(even page)" : "(odd page)";
    exits(guest().run(), ecode::pil, {"an unmapped page faults", which});
    guest().stage2().map(at, guest().frame(at == page.value ? 4 : 5).value, leaf::read_write);
    asm volatile("invtlb 0x16, %0, %1" ::"r"(u64{guest().gid()} << 16), "r"(at & ~u64{0x1FFF}) : "memory");
    finishes(guest().run(), {"after mapping and invtlb 0x16 of the pair the load completes", which});
    equal(reg(a1), 0x77, {"the load reads the frame mapped", which});
  }
  guest().reset();
  guest().stage2().map(page.value, guest().frame(0).value, leaf::read_only);
  reg(a0) = page.value;
  reg(a1) = 0x99;
  guest().load({st_d(a1, a0, 0), hvcl(call::done)});
  exits(guest().run(), ecode::pme, "a store to a clean page faults");
  guest().stage2().map(page.value, guest().frame(0).value, leaf::read_write);
  asm volatile("invtlb 0x16, %0, %1" ::"r"(u64{guest().gid()} << 16), "r"(page.value) : "memory");
  finishes(guest().run(), "after setting D and invtlb 0x16 the store completes");
  equal(*cached(guest().frame(0)), 0x99, "the store reached the frame");
}

void check_leaf_plv() {
  guest().reset(Mode::window);
  guest().enable_paging();
  guest().map(paged_va, layout::data, leaf::read_write | leaf::plv3);
  guest().word(layout::data) = 0x321;
  reg(a0) = paged_va;
  gcsr::exchange<csr::crmd>(3, 3);
  guest().load({ld_d(a1, a0, 0), syscall(0)});
  guest_takes(guest().run(), ecode::sys, "guest PLV3 reads through a stage-2 leaf of PLV0");
  equal(reg(a1), 0x321, "guest PLV3 reads the right value");
}

void check_huge() {
  constexpr u64 huge = 0x2000'0000, megabytes_2 = 0x20'0000;
  constexpr Hpa backing{0x0800'0000};
  guest().reset();
  guest().stage2().map_huge(huge, backing.value, leaf::read_write);
  *cached({backing.value + 0x1238}) = 0x111;
  *cached({backing.value + megabytes_2 - 8}) = 0x222;
  reg(a0) = huge + 0x1238;
  reg(a1) = huge + megabytes_2 - 8;
  guest().load({ld_d(a2, a0, 0), ld_d(a3, a1, 0), hvcl(call::done)});
  const Outcome outcome = guest().run();
  finishes(outcome, "a 2 MiB stage-2 page is read at both ends");
  equal(reg(a2), 0x111, "the first half of a 2 MiB page is in place");
  equal(reg(a3), 0x222, "the second half of a 2 MiB page is in place");
  equal(outcome.refills, 2, "code and the 2 MiB page take one refill each");
  reg(a0) = huge + megabytes_2;
  exits(guest().run(), ecode::pil, "the page behind a 2 MiB page is not mapped");
  guest().stage2().map_huge(huge, backing.value, leaf::read_write & ~leaf::d);
  flush_all_tlbs();
  guest().load({st_d(a2, a0, 0)});
  reg(a0) = huge + 0x10'1000;
  const Outcome store = guest().run();
  exits(store, ecode::pme, "a 2 MiB page without D refuses a store");
  equal(store.badv, huge + 0x10'1000, "a 2 MiB page's fault has the GPA in BADV");
  guest().reset();
}

/// A device given to the guest: stage 2 leads to its registers, uncached.
void check_device() {
  constexpr u64 uart_page = 0x1FE0'0000, line_status = 0x1E5;
  constexpr u64 transmitter_empty = 0x60;
  guest().reset();
  guest().stage2().map(page.value, uart_page, leaf::read_write & ~leaf::cached);
  reg(a0) = page.value + line_status;
  guest().load({ld_bu(a1, a0, 0), hvcl(call::done)});
  finishes(guest().run(), "a device passed through by stage 2 is read without an exit");
  equal(reg(a1) & transmitter_empty, transmitter_empty, "the guest sees the device's register");
}

}  // namespace

void test_stage2() {
  if (!group("stage-2")) return;
  for (const auto& [view, name] : views) {
    for (const Row& row : rows) check_fault(row, view, name);
    check_refill(view, name);
  }
  check_widths();
  check_refill_as_exit();
  check_fix_up();
  check_leaf_plv();
  check_huge();
  check_device();
}

}  // namespace probe
