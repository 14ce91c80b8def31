// SPDX-License-Identifier: GPL-2.0-or-later
//
// Identifiers (reference 2.1, 2.2, 2.4): GID tags stage 1, TGID tags stage 2, guests do not see each other's
// entries or the host's, and what the host's own TLB instructions show of them.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr u64 va = 0x31'4159'2000;
constexpr Gpa shared_gpa = layout::outside;

void prepare(Guest& which, u64 value) {
  which.reset(Mode::window);
  which.stage2().map(shared_gpa.value, which.frame(0).value, leaf::read_write);
  *cached(which.frame(0)) = value;
  which.map(va, layout::data);
  which.word(layout::data) = value + 1;
  const Word program[] = {ld_d(a1, a0, 0), ld_d(a3, a2, 0), hvcl(call::done)};
  which.load(program);
}

/// Enters `which` with its own root and the ASID both share.
Outcome enter(Guest& which) {
  which.reset_bank(Mode::window);
  which.enable_paging();
  gcsr::write<csr::asid>(5);
  reg(a0) = va;
  reg(a2) = guest_window | shared_gpa.value;
  return which.run();
}

void check_two_guests() {
  prepare(guest(), 0x100);
  prepare(rival(), 0x200);
  u64 wrong = 0;
  for (unsigned turn = 0; turn < 6; ++turn) {
    const bool first = turn % 2 == 0;
    const u64 base = first ? 0x100 : 0x200;
    if (enter(first ? guest() : rival()).stop != Outcome::Stop::done) wrong |= 1 << turn;
    if (reg(a1) != base + 1 || reg(a3) != base) wrong |= 0x100 << turn;
  }
  equal(wrong, 0, "two guests with equal ASIDs, VAs and GPAs keep apart by GID (mask of wrong turns)");
  const Outcome again = enter(guest());
  finishes(again, "a guest re-entered after another ran");
  equal(again.refills, 0, "a guest re-entered after another finds its stage-2 entries");
}

void check_fresh_id() {
  prepare(guest(), 0x300);
  static_cast<void>(enter(guest()));
  const unsigned before = guest().gid();
  guest().set_gid(9);
  const Outcome fresh = enter(guest());
  finishes(fresh, "a guest under a fresh id");
  between(fresh.refills, 1, 100, "a fresh id has no stage-2 entries");
  guest().set_gid(10);
  guest().reset_bank(Mode::window);
  gcsr::write<csr::asid>(5);
  reg(a0) = va;
  guest_refills(guest().run(), "a fresh id has no stage-1 entries");
  guest().set_gid(before);
}

/// GSTAT.GID tags stage 2 while USETGID = 0: invtlb 0x14 for that id finds the entries.
void check_without_tgid() {
  prepare(guest(), 0x400);
  guest().set_use_tgid(false);
  finishes(enter(guest()), "with USETGID = 0 a guest runs");
  equal(reg(a3), 0x400, "with USETGID = 0 stage 2 translates");
  equal(enter(guest()).refills, 0, "with USETGID = 0 stage-2 entries last");
  asm volatile("invtlb 0x14, %0, $zero" ::"r"(u64{guest().gid()} << 16) : "memory");
  between(enter(guest()).refills, 1, 100, "with USETGID = 0 stage-2 entries carry GSTAT.GID");
  guest().set_use_tgid(true);
  flush_all_tlbs();
}

/// KVM's rollover: every id in turn, then 0x12, then the same ids with another mapping.
void check_rollover() {
  prepare(guest(), 0x500);
  const unsigned before = guest().gid();
  const unsigned ids = (1u << csr::gidbit(csr::read<csr::gstat>())) - 1;
  u64 wrong = 0;
  for (unsigned pass = 0; pass < 2; ++pass) {
    const u64 value = 0x500 + 0x40 * pass;
    *cached(guest().frame(pass)) = value;
    guest().stage2().map(shared_gpa.value, guest().frame(pass).value, leaf::read_write);
    asm volatile("invtlb 0x12, $zero, $zero" ::: "memory");
    for (unsigned id = 1; id <= ids; ++id) {
      guest().set_gid(id);
      if (enter(guest()).stop != Outcome::Stop::done || reg(a3) != value) ++wrong;
    }
  }
  guest().set_gid(before);
  equal(wrong, 0, "every implemented id works, and again after invtlb 0x12 (count of wrong runs)");
}

/// A global entry of the host must not serve a guest.
void check_host_entries() {
  prepare(guest(), 0x600);
  const u64 pair = va & ~u64{0x1FFF};
  csr::write<csr::tlbehi>(pair);
  csr::write<csr::tlbidx>(geometry::page_shift << 24);
  csr::write<csr::tlbelo0>(guest().frame(6).value | leaf::read_write | leaf::g);
  csr::write<csr::tlbelo1>(guest().frame(6).value | leaf::read_write | leaf::g);
  asm volatile("tlbfill");
  asm volatile("tlbsrch");
  equal(csr::read<csr::tlbidx>() & csr::tlbidx_ne, 0, "the host finds its own entry");
  guest().reset_bank(Mode::window);
  reg(a0) = va;
  guest_refills(guest().run(), "a global entry of the host does not serve a guest's VA");
  csr::write<csr::tlbehi>(pair);
  csr::exchange<csr::gtlbc>(csr::gtlbc_usetgid | csr::gtlbc_tgid(7), csr::gtlbc_usetgid | csr::gtlbc_tgid(0xFF));
  asm volatile("tlbsrch");
  equal(csr::read<csr::tlbidx>() & csr::tlbidx_ne, csr::tlbidx_ne, "with another TGID tlbsrch misses the host's entry");
  csr::exchange<csr::gtlbc>(0, csr::gtlbc_tgid(0xFF));
  flush_all_tlbs();
}

void check_host_sees_stage2() {
  prepare(guest(), 0x700);
  finishes(enter(guest()), "a guest that fills stage 2 ran");
  csr::write<csr::tlbehi>(shared_gpa.value);
  csr::exchange<csr::gtlbc>(csr::gtlbc_usetgid | csr::gtlbc_tgid(guest().gid()),
                            csr::gtlbc_usetgid | csr::gtlbc_tgid(0xFF));
  asm volatile("tlbsrch");
  const u64 found = csr::read<csr::tlbidx>();
  equal(found & csr::tlbidx_ne, 0, "with TGID set tlbsrch finds a stage-2 entry by its GPA");
  asm volatile("tlbrd");
  equal(csr::read<csr::tlbelo0>() & physical_mask & ~u64{0xFFF}, guest().frame(0).value,
        "tlbrd of a stage-2 entry gives the host frame");
  const u64 info = csr::read<csr::trgp>();
  equal(info & 1, 1, "tlbrd of a guest's entry sets TRGP.GTLB");
  equal(bits(info, 23, 16), guest().gid(), "tlbrd of a guest's entry writes its id to TRGP");
  csr::exchange<csr::gtlbc>(0, csr::gtlbc_tgid(0xFF));
  csr::write<csr::tlbehi>(shared_gpa.value);
  asm volatile("tlbsrch");
  equal(csr::read<csr::tlbidx>() & csr::tlbidx_ne, csr::tlbidx_ne, "with TGID 0 tlbsrch does not find a guest's entry");
  csr::write<csr::tlbehi>(0x77'7777'6000);
  csr::write<csr::tlbidx>(geometry::page_shift << 24);
  csr::write<csr::tlbelo0>(leaf::read_write);
  csr::write<csr::tlbelo1>(leaf::read_write);
  asm volatile("tlbfill\n\ttlbsrch\n\ttlbrd" ::: "memory");
  equal(csr::read<csr::trgp>() & 1, 0, "tlbrd of a host entry clears TRGP.GTLB");
  flush_all_tlbs();
}

/// GID 0 is the host's own. What happens is open; the host must get control back.
void check_id_zero() {
  prepare(guest(), 0x800);
  const unsigned before = guest().gid();
  guest().set_gid(0);
  guest().set_watchdog_ms(50);
  static_cast<void>(enter(guest()));
  guest().set_gid(before);
  flush_all_tlbs();
  pass_if(try_host(nop).none, "a guest run with id 0 gives control back", "no exception");
  prepare(guest(), 0x900);
  finishes(enter(guest()), "after a run with id 0 a proper id works");
}

}  // namespace

void test_tags() {
  if (!group("tags")) return;
  check_two_guests();
  check_fresh_id();
  check_without_tgid();
  check_rollover();
  check_host_entries();
  check_host_sees_stage2();
  check_id_zero();
  guest().reset();
}

}  // namespace probe
