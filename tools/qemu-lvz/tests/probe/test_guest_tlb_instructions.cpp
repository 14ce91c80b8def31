// SPDX-License-Identifier: GPL-2.0-or-later
//
// gtlb* in the host and tlb* in the guest (reference 3.1): both work on the guest's stage-1 entries through the
// guest's TLB registers.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr u64 va = 0x2B'0030'4000;
constexpr Gpa first_page = layout::data, second_page = layout::data + 4 * page_size;

void host_executes(Word word) {
  csr::write<csr::gstat>(csr::gstat_gid(guest().gid()));
  static_cast<void>(try_host(word));
}

void describe_entry(Gpa page) {
  gcsr::write<csr::tlbehi>(va);
  gcsr::write<csr::tlbidx>((gcsr::read<csr::tlbidx>() & 0xFFFF) | geometry::page_shift << 24);
  gcsr::write<csr::tlbelo0>(page.value | leaf::read_write);
  gcsr::write<csr::tlbelo1>((page.value + page_size) | leaf::read_write);
}

/// The guest loads from `va` with a refill vector that stops it.
Outcome load_from_va() {
  reg(a0) = va;
  return guest().run();
}

void search() {
  gcsr::write<csr::tlbehi>(va);
  host_executes(gtlbsrch);
}

bool found() { return !(gcsr::read<csr::tlbidx>() & csr::tlbidx_ne); }

void prepare() {
  guest().reset(Mode::window);
  guest().word(first_page) = 0x1F;
  guest().word(second_page) = 0x2F;
  guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
  gcsr::write<csr::asid>(3);
}

void check_fill_and_search() {
  prepare();
  search();
  pass_if(!found(), "gtlbsrch of an absent page sets NE in guest TLBIDX", "NE = 1");
  const u64 host_ehi = csr::read<csr::tlbehi>();
  describe_entry(first_page);
  host_executes(gtlbfill);
  finishes(load_from_va(), "an entry from gtlbfill serves the guest without a refill");
  equal(reg(a1), 0x1F, "an entry from gtlbfill translates to its page");
  search();
  pass_if(found(), "gtlbsrch finds it", "NE = 0");
  gcsr::write<csr::tlbehi>(0);
  gcsr::write<csr::tlbelo0>(0);
  gcsr::write<csr::tlbelo1>(0);
  host_executes(gtlbrd);
  equal(gcsr::read<csr::tlbehi>() & physical_mask & ~u64{0x1FFF}, va, "gtlbrd puts the page pair into guest TLBEHI");
  equal_in(gcsr::read<csr::tlbelo0>(), physical_mask & ~u64{0xFFF}, first_page.value,
           "gtlbrd puts the even page into guest TLBELO0");
  equal_in(gcsr::read<csr::tlbelo1>(), physical_mask & ~u64{0xFFF}, first_page.value + page_size,
           "gtlbrd puts the odd page into guest TLBELO1");
  equal(bits(gcsr::read<csr::tlbidx>(), 29, 24), geometry::page_shift, "gtlbrd puts the page size into guest TLBIDX");
  equal(csr::read<csr::tlbehi>(), host_ehi, "gtlb* leave the host's TLBEHI alone");
}

void check_write() {
  prepare();
  describe_entry(first_page);
  host_executes(gtlbfill);
  static_cast<void>(load_from_va());
  search();
  describe_entry(second_page);
  host_executes(gtlbwr);
  finishes(load_from_va(), "an entry overwritten by gtlbwr serves the guest");
  equal(reg(a1), 0x2F, "an entry overwritten by gtlbwr translates to the new page at once");
  search();
  gcsr::exchange<csr::tlbidx>(csr::tlbidx_ne, csr::tlbidx_ne);
  host_executes(gtlbwr);
  guest_refills(load_from_va(), "gtlbwr with NE set removes the entry");
}

void check_flush(Word word, const char* name) {
  prepare();
  guest().stage2().map(layout::outside.value, guest().frame(0).value, leaf::read_write);
  describe_entry(first_page);
  host_executes(gtlbfill);
  finishes(load_from_va(), {name, ": the entry works before"});
  search();
  host_executes(word);
  search();
  pass_if(!found(), {name, "removes the entry at the guest's index"}, "NE = 1");
  const Outcome outcome = load_from_va();
  guest_refills(outcome, {name, "makes the guest's next access miss"});
}

void check_flush_keeps_stage2() {
  prepare();
  guest().stage2().map(layout::outside.value, guest().frame(0).value, leaf::read_write);
  reg(a0) = guest_window | layout::outside.value;
  finishes(guest().run(), "a stage-2 page is used");
  host_executes(gtlbflush);
  equal(guest().run().refills, 0, "gtlbflush leaves stage-2 entries alone");
}

/// The same instructions as the guest executes them, on its own registers, without an exit.
void check_in_guest() {
  prepare();
  reg(a2) = va;
  reg(a3) = geometry::page_shift << 24;
  reg(a4) = first_page.value | leaf::read_write;
  reg(a5) = (first_page.value + page_size) | leaf::read_write;
  reg(a0) = va;
  const Word fill[] = {csrwr(a2, csr::tlbehi),
                       csrwr(a3, csr::tlbidx),
                       csrwr(a4, csr::tlbelo0),
                       csrwr(a5, csr::tlbelo1),
                       tlbfill,
                       ld_d(a1, a0, 0),
                       tlbsrch,
                       csrrd(a6, csr::tlbidx)};
  finishes(guest().run(fill), "a guest fills its TLB without an exit");
  equal(reg(a1), 0x1F, "the guest's entry translates");
  equal(reg(a6) & csr::tlbidx_ne, 0, "the guest's tlbsrch finds its entry");
  reg(a2) = second_page.value | leaf::read_write;
  reg(a0) = va;
  const Word overwrite[] = {tlbrd, csrrd(a4, csr::tlbelo0), csrwr(a2, csr::tlbelo0), tlbwr, ld_d(a1, a0, 0)};
  finishes(guest().run(overwrite), "a guest rewrites a TLB entry without an exit");
  equal(reg(a4) & physical_mask & ~u64{0xFFF}, first_page.value, "the guest's tlbrd reads its entry");
  equal(reg(a1), 0x2F, "the guest's tlbwr takes effect at once");
  const Word flush[] = {tlbsrch, tlbflush, tlbsrch, csrrd(a6, csr::tlbidx)};
  finishes(guest().run(flush), "a guest flushes its TLB without an exit");
  equal(reg(a6) & csr::tlbidx_ne, csr::tlbidx_ne, "the guest's tlbflush removes its entry");
  guest().reset();
}

}  // namespace

void test_guest_tlb_instructions() {
  if (!group("guest-tlb")) return;
  check_fill_and_search();
  check_write();
  check_flush(gtlbflush, "gtlbflush");
  check_flush(gtlbclr, "gtlbclr");
  check_flush_keeps_stage2();
  check_in_guest();
  csr::write<csr::gstat>(0);
}

}  // namespace probe
