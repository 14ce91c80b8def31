// SPDX-License-Identifier: GPL-2.0-or-later
//
// Both stages together (reference 5.5, 6.1): who takes a fault, how permissions and page sizes combine, and page
// walks of the guest that go through stage 2.
#include "guest.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr u64 va = 0x56'789A'A000;
constexpr u64 offset = 0x128;
constexpr Gpa outside = layout::outside;

void prepare() {
  guest().reset(Mode::window);
  guest().enable_paging();
}

enum class Access { load, store, fetch };

Word access_word(Access access) {
  if (access == Access::load) return ld_d(a1, a0, 0);
  if (access == Access::store) return st_d(a1, a0, 0);
  return jirl(ra, a0);
}

struct Stage1Fault {
  const char* name;
  Access access;
  u64 flags;
  unsigned plv;
  unsigned code;
};

constexpr Stage1Fault stage1_faults[] = {
    {"a load through V=0", Access::load, 0, 0, ecode::pil},
    {"a store through V=0", Access::store, 0, 0, ecode::pis},
    {"a fetch through V=0", Access::fetch, 0, 0, ecode::pif},
    {"a store through D=0", Access::store, leaf::read_only, 0, ecode::pme},
    {"a load through NR", Access::load, leaf::read_write | leaf::nr, 0, ecode::pnr},
    {"a fetch through NX", Access::fetch, leaf::read_write | leaf::nx, 0, ecode::pnx},
    {"a PLV3 load through a PLV0 page", Access::load, leaf::read_write, 3, ecode::ppi},
    {"a PLV0 load through an RPLV page of PLV3", Access::load, leaf::read_write | leaf::plv3 | leaf::rplv, 0,
     ecode::ppi},
};

void check_stage1_fault(const Stage1Fault& row) {
  prepare();
  guest().map(va, layout::data, row.flags);
  gcsr::exchange<csr::crmd>(row.plv, 3);
  reg(a0) = va + offset;
  const Word word = access_word(row.access);
  guest().load({word});
  guest_takes(guest().run(), row.code, {"stage 1:", row.name, "stays in the guest"});
  equal(gcsr::read<csr::badv>(), va + offset, {"stage 1:", row.name, "leaves the GVA in guest BADV"});
  equal(gcsr::read<csr::tlbehi>() & physical_mask & ~u64{0x1FFF}, va & ~u64{0x1FFF},
        {"stage 1:", row.name, "leaves the page pair in guest TLBEHI"});
  const u64 at = row.access == Access::fetch ? va + offset : guest().code_address();
  equal(gcsr::read<csr::era>(), at, {"stage 1:", row.name, "leaves the address in guest ERA"});
  if (row.access == Access::fetch) return;
  equal(gcsr::read<csr::badi>() & 0xFFFF'FFFF, word, {"stage 1:", row.name, "leaves the instruction in guest BADI"});
}

void check_stage1_refill() {
  guest().reset(Mode::window);
  reg(a0) = va + offset;
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  guest().load({ld_d(a1, a0, 0)});
  guest_refills(guest().run(), "stage 1: a miss goes to the guest's TLBRENTRY");
  equal(gcsr::read<csr::tlbrbadv>(), va + offset, "stage 1: a miss leaves the GVA in guest TLBRBADV");
  equal(gcsr::read<csr::tlbrera>(), guest().code_address() | 1,
        "stage 1: a miss leaves PC and ISTLBR in guest TLBRERA");
  equal(gcsr::read<csr::tlbrehi>() & physical_mask & ~u64{0x1FFF}, va & ~u64{0x1FFF},
        "stage 1: a miss leaves the page pair in guest TLBREHI");
  equal(gcsr::read<csr::tlbrprmd>() & 7, csr::prmd_pie, "stage 1: a miss saves PLV and IE in guest TLBRPRMD");
  equal(gcsr::read<csr::crmd>() & 0x1F, csr::crmd_da, "stage 1: a miss enters direct mode at PLV0 with IE 0");
}

struct Combination {
  const char* name;
  u64 stage1, stage2;
  Access access;
  enum { allowed, guest_fault, host_fault } answer;
  unsigned code;
};

constexpr u64 rw = leaf::read_write, ro = leaf::read_only;
constexpr Combination combinations[] = {
    {"store, both writable", rw, rw, Access::store, Combination::allowed, 0},
    {"store, stage 1 read-only", ro, rw, Access::store, Combination::guest_fault, ecode::pme},
    {"store, stage 2 read-only", rw, ro, Access::store, Combination::host_fault, ecode::pme},
    {"load, stage 2 read-only", rw, ro, Access::load, Combination::allowed, 0},
    {"load, both read-only", ro, ro, Access::load, Combination::allowed, 0},
    {"store, stage 2 unmapped", rw, 0, Access::store, Combination::host_fault, ecode::pis},
    {"load, stage 1 invalid and stage 2 unmapped", 0, 0, Access::load, Combination::guest_fault, ecode::pil},
    {"load, stage 2 NR", rw, rw | leaf::nr, Access::load, Combination::host_fault, ecode::pnr},
    {"load, stage 1 NR", rw | leaf::nr, rw, Access::load, Combination::guest_fault, ecode::pnr},
    {"fetch, stage 2 NX", rw, rw | leaf::nx, Access::fetch, Combination::host_fault, ecode::pnx},
    {"fetch, stage 1 NX", rw | leaf::nx, rw, Access::fetch, Combination::guest_fault, ecode::pnx},
    {"load, stage 2 NX", rw, rw | leaf::nx, Access::load, Combination::allowed, 0},
};

void check_combination(const Combination& row) {
  prepare();
  guest().map(va, outside, row.stage1);
  if (row.stage2) guest().stage2().map(outside.value, guest().frame(0).value, row.stage2);
  reg(a0) = va + offset;
  guest().load({access_word(row.access), hvcl(call::done)});
  const Outcome outcome = guest().run();
  if (row.answer == Combination::allowed) return finishes(outcome, {"both stages:", row.name, "is allowed"});
  if (row.answer == Combination::guest_fault) {
    return guest_takes(outcome, row.code, {"both stages:", row.name, "is the guest's fault"});
  }
  exits(outcome, row.code, {"both stages:", row.name, "exits"});
  equal(outcome.badv, outside.value + offset, {"both stages:", row.name, "leaves the GPA in BADV"});
}

/// A 2 MiB page of the guest over 4 KiB pages of the host in reverse order, and the other way round.
void check_page_sizes() {
  constexpr u64 huge_va = 0x7'0020'0000, huge_gpa = 0x60'0000;
  prepare();
  guest().stage1().map_huge(huge_va, huge_gpa, leaf::read_write);
  constexpr unsigned pages = 8;
  for (unsigned i = 0; i < pages; ++i) {
    guest().stage2().map(huge_gpa + i * page_size, guest().frame(pages - i).value, leaf::read_write);
    *cached(guest().frame(pages - i)) = 0x1000 + i;
  }
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  u64 wrong = 0;
  for (unsigned i = 0; i < pages; ++i) {
    reg(a0) = huge_va + i * page_size;
    if (guest().run().stop != Outcome::Stop::done || reg(a1) != 0x1000 + i) wrong |= u64{1} << i;
  }
  equal(wrong, 0, "a 2 MiB stage-1 page over scattered 4 KiB stage-2 pages (mask of wrong ones)");
  reg(a0) = huge_va + pages * page_size + 8;
  const Outcome outcome = guest().run();
  exits(outcome, ecode::pil, "a hole of stage 2 inside a 2 MiB stage-1 page exits");
  equal(outcome.badv, huge_gpa + pages * page_size + 8, "the hole's GPA is exact");

  prepare();
  constexpr Hpa backing{0x0820'0000};
  guest().stage2().map_huge(huge_gpa, backing.value, leaf::read_write);
  wrong = 0;
  for (unsigned i = 0; i < pages; ++i) {
    guest().stage1().map(va + i * page_size, huge_gpa + (pages - i) * page_size, leaf::read_write);
    *cached({backing.value + (pages - i) * page_size}) = 0x2000 + i;
  }
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  for (unsigned i = 0; i < pages; ++i) {
    reg(a0) = va + i * page_size;
    if (guest().run().stop != Outcome::Stop::done || reg(a1) != 0x2000 + i) wrong |= u64{1} << i;
  }
  equal(wrong, 0, "scattered 4 KiB stage-1 pages over a 2 MiB stage-2 page (mask of wrong ones)");
}

/// A table the walk needs lies in a page stage 2 does not map: the walk exits, and can be restarted.
void check_walk(const char* name, Gpa missing_table, Word word) {
  const Outcome outcome = guest().run();
  exits(outcome, ecode::pil, {name, "from an unmapped table exits"});
  equal(outcome.badi, word, {name, "is the word in BADI"});
  equal(outcome.badv & ~u64{0xFFF}, missing_table.value, {name, "leaves the table's GPA in BADV"});
  guest().stage2().map(missing_table.value, guest().host(missing_table).value, leaf::read_write);
  asm volatile("invtlb 0x16, %0, %1" ::"r"(u64{guest().gid()} << 16), "r"(missing_table.value & ~u64{0x1FFF})
               : "memory");
  finishes(guest().run(outcome.era), {name, "restarts once the table is mapped"});
  equal(reg(a1), 0x4242, {name, "then finds the right page"});
}

void check_walks() {
  prepare();
  guest().map(va, layout::data);
  guest().word(layout::data + offset) = 0x4242;
  const Gpa leaf_table{guest().stage1().seen_slot(va) & ~u64{0xFFF}};
  reg(a0) = va + offset;
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  guest().stage2().unmap(leaf_table.value);
  check_walk("ldpte", leaf_table, ldpte(t0, 0));

  prepare();
  guest().map(va, layout::data);
  const Gpa root{guest().stage1().root()};
  reg(a0) = va + offset;
  reg(a1) = 0;
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  guest().stage2().unmap(root.value);
  check_walk("lddir", root, lddir(t0, t0, 3));
}

/// A stage-1 entry stays while stage 2 below it changes: 0x16 for the GPA is enough (reference 6.1).
void check_change_below() {
  prepare();
  guest().map(va, outside);
  guest().stage2().map(outside.value, guest().frame(0).value, leaf::read_write);
  *cached(guest().frame(0)) = 0xAAAA;
  *cached(guest().frame(3)) = 0xBBBB;
  reg(a0) = va;
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  finishes(guest().run(), "a page is read through both stages");
  equal(reg(a1), 0xAAAA, "the first frame is read");
  gcsr::write<csr::tlbrentry>(layout::refill_stop.value);
  guest().stage2().map(outside.value, guest().frame(3).value, leaf::read_write);
  asm volatile("invtlb 0x16, %0, %1" ::"r"(u64{guest().gid()} << 16), "r"(outside.value) : "memory");
  finishes(guest().run(), "after a stage-2 change and 0x16 the guest's own entry is still there");
  equal(reg(a1), 0xBBBB, "after a stage-2 change and 0x16 the new frame is read");
}

/// Guest ASIDs: two address spaces, and a global page in both.
void check_asids() {
  constexpr u64 global_va = 0x22'2222'2000;
  prepare();
  guest().map(va, layout::data);
  guest().map(global_va, layout::data + page_size, leaf::read_write | leaf::g);
  *guest().stage1().slot(global_va ^ page_size) |= leaf::g;  // both pages of the pair must be global
  guest().word(layout::data) = 0x1;
  guest().word(layout::data + 2 * page_size) = 0x2;
  reg(a0) = va;
  reg(a2) = global_va;
  guest().load({ld_d(a1, a0, 0), ld_d(a3, a2, 0), hvcl(call::done)});
  gcsr::write<csr::asid>(7);
  finishes(guest().run(), "ASID 7 reads its pages");
  guest().map(va, layout::data + 2 * page_size);
  gcsr::write<csr::asid>(8);
  finishes(guest().run(), "ASID 8 reads its pages");
  equal(reg(a1), 0x2, "ASID 8 does not use the entry of ASID 7");
  gcsr::write<csr::asid>(7);
  finishes(guest().run(), "ASID 7 again");
  equal(reg(a1), 0x1, "ASID 7 still uses its own entry");
  gcsr::write<csr::asid>(9);
  gcsr::write<csr::tlbrentry>(layout::refill_stop.value);
  guest().load({ld_d(a3, a2, 0), hvcl(call::done)});
  finishes(guest().run(), "a global page is used under any ASID");
}

/// The guest's own CRMD, DMW and PGDL writes take effect at once.
void check_mode_changes() {
  prepare();
  guest().map(va, layout::data);
  guest().word(layout::data) = 0xD1;
  guest().word(layout::data + page_size) = 0xD2;
  reg(a0) = u64{0x6} << 60 | layout::data.value;
  reg(a2) = u64{0x6} << 60 | 0x11;
  guest().load({csrwr(a2, csr::dmw1), ld_d(a1, a0, 0), csrwr(zero, csr::dmw1), ld_d(a3, a0, 0)});
  guest_takes(guest().run(), ecode::ade, "a window the guest closes is closed at once");
  equal(reg(a1), 0xD1, "a window the guest opens is open at once");
  guest().reset_bank(Mode::window);
  guest().enable_paging();
  reg(a0) = va;
  reg(a4) = layout::tables.value + 0x30000;  // an empty page: not a table, so nothing is mapped there
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  finishes(guest().run(), "a page is read in paged mode");
  const u64 window = u64{0x6} << 60 | layout::data.value;
  gcsr::write<csr::dmw1>((u64{0x6} << 60) | 0x11);
  reg(a0) = window;
  finishes(guest().run(), "a window the host opens in the bank is open at entry");
  gcsr::write<csr::dmw1>(0);
  guest_takes(guest().run(), ecode::ade, "a window the host closes in the bank is closed at entry");
  gcsr::write<csr::crmd>(csr::crmd_da);
  reg(a0) = layout::data.value + page_size;
  finishes(guest().run(layout::code.value), "the same code runs in direct mode after the host changed guest CRMD");
  equal(reg(a1), 0xD2, "direct mode reads the GPA itself");
}

/// Code that the guest itself writes, through another translation than the one it runs by.
void check_own_code() {
  prepare();
  constexpr Gpa routine = layout::data + 8 * page_size;
  guest().map(va, routine);
  guest().load({addi_d(a1, zero, 1), jirl(zero, ra)}, routine);
  guest().load({jirl(ra, a0), hvcl(call::done)});
  reg(a0) = guest().address(routine);
  finishes(guest().run(), "a routine runs");
  equal(reg(a1), 1, "it does what was written");
  guest().load({st_w(a3, a2, 0), ibar, jirl(ra, a0), hvcl(call::done)});
  reg(a2) = va;
  reg(a3) = addi_d(a1, zero, 2);
  finishes(guest().run(), "the guest rewrites the routine through stage 1 and runs it");
  equal(reg(a1), 2, "it does what the guest wrote");
}

}  // namespace

void test_two_stages() {
  if (!group("two-stages")) return;
  for (const Stage1Fault& row : stage1_faults) check_stage1_fault(row);
  check_stage1_refill();
  for (const Combination& row : combinations) check_combination(row);
  check_page_sizes();
  check_walks();
  check_change_below();
  check_asids();
  check_mode_changes();
  check_own_code();
}

}  // namespace probe
