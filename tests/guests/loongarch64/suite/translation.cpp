// SPDX-License-Identifier: Apache-2.0
// Stage 1 of the guest's own (volume 1, 5.4): TLB entries, refills, tables, identifiers, and what is refused.
#include <array>
#include <cstring>

#include "suite.hpp"

extern "C" void suite_fixed_refill();
extern "C" void suite_walking_refill();

using namespace guest;

namespace suite {

namespace {
using tlbidx = Csr<0x10>;
using tlbehi = Csr<0x11>;
using tlbelo0 = Csr<0x12>;
using tlbelo1 = Csr<0x13>;
using pwcl = Csr<0x1c>;
using pwch = Csr<0x1d>;

// TLBELO (7.5.4).
constexpr uint64_t valid = 1 << 0, dirty = 1 << 1, for_programs = 3 << 2, coherent = 1 << 4, global = 1 << 6;
constexpr uint64_t no_read = uint64_t{1} << 61, no_execute = uint64_t{1} << 62;
constexpr uint64_t usual = valid | dirty | coherent;
constexpr uint64_t page = 4096, page_bits = 12, large_bits = 21, large = uint64_t{1} << large_bits;
constexpr uint64_t place = uint64_t{1} << 32;  // the first of a pair, in no window
constexpr uint64_t physical_mask = 0xffff'ffff'ffff, no_entry = uint64_t{1} << 31;

constexpr unsigned load_invalid = 1, store_invalid = 2, fetch_invalid = 3, modified = 4, not_readable = 5,
                   not_executable = 6, privilege = 7, syscall = 0xb, privileged = 0xe;

constinit uint64_t ram = 0;  // physical, at a boundary of 4 MiB
uint64_t refills() { return save<2>::read(); }
void forget() { asm volatile("invtlb 0, $zero, $zero" ::: "memory"); }
void set_pair(uint64_t first, uint64_t second, uint64_t bits = page_bits) {
  save<0>::write(first);
  save<1>::write(second);
  save<3>::write(bits);
  forget();
}
uint64_t load(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ld.d %0, %1, 0" : "=r"(value) : "r"(address) : "memory");
  return value;
}
void store(uint64_t address, uint64_t value) { asm volatile("st.d %0, %1, 0" : : "r"(value), "r"(address) : "memory"); }
Fault try_load(uint64_t address) {
  return attempt([=] { (void)load(address); });
}
Fault try_store(uint64_t address) {
  return attempt([=] { store(address, 1); });
}
Fault try_fetch(uint64_t address) {
  return attempt([=] { asm volatile("jirl $ra, %0, 0" : : "r"(address) : "$ra", "$t0", "$t1", "memory"); });
}
void handle_by(void (*handler)()) { tlbrentry::write(reinterpret_cast<uint64_t>(handler) & physical_mask); }

void mapping() {
  set_pair(ram | usual, (ram + page) | usual);
  const uint64_t before = refills();
  check_equal("an_address_is_translated", load(place + 8), ram);
  check_equal("the_second_of_a_pair_too", load(place + page + 8), ram + page);
  store(place + 16, 0x77);
  check_equal("a_store_goes_there", load(cached | (ram + 16)), 0x77);
  check_equal("one_refill_is_enough_for_a_pair", refills(), before + 1);
  forget();
  (void)load(place);
  check_equal("what_was_invalidated_is_asked_for_again", refills(), before + 2);
  set_pair(ram | usual, (ram + large) | usual, large_bits);
  check_equal("large_pages_are_translated", load(place + 5 * page + 8), ram + 5 * page);
  check_equal("up_to_their_end", load(place + 2 * large - page + 8), ram + 2 * large - page);
}

void refusals() {
  set_pair(0, 0);
  const Fault fault = try_load(place + 0x123'4568);
  check_class("a_load_without_a_valid_entry_raises_pil", fault, load_invalid);
  check_equal("badv_says_where", fault.badv, place + 0x123'4568);
  check_equal("tlbehi_too", tlbehi::read() >> 13, (place + 0x123'4568) >> 13);
  check_class("a_store_raises_pis", try_store(place), store_invalid);
  check_class("a_fetch_raises_pif", try_fetch(place), fetch_invalid);
  set_pair(ram | (usual & ~dirty), ram | usual);
  check_quiet("what_is_clean_can_be_loaded", try_load(place));
  check_class("but_a_store_raises_pme", try_store(place), modified);
  check_quiet("its_pair_is_another_page", try_store(place + page));
  set_pair(ram | usual | no_read, ram | usual | no_execute);
  check_class("a_load_of_what_cannot_be_read_raises_pnr", try_load(place), not_readable);
  check_quiet("a_load_of_what_cannot_be_executed_is_none", try_load(place + page));
  check_class("a_fetch_of_it_raises_pnx", try_fetch(place + page), not_executable);
}

// --- identifiers ---

void identifiers() {
  asid::write(1);
  set_pair(ram | usual, ram | usual);
  (void)load(place);
  save<0>::write((ram + page) | usual);
  asid::write(2);
  check_equal("another_asid_has_entries_of_its_own", load(place + 8), ram + page);
  const uint64_t before = refills();
  asid::write(1);
  check_equal("those_of_the_first_are_still_there", load(place + 8), ram);
  check_equal("without_a_refill", refills(), before);
  asm volatile("invtlb 4, %0, $zero" : : "r"(uint64_t{2}) : "memory");
  (void)load(place);
  check_equal("invalidating_an_asid_leaves_the_others", refills(), before);
  asid::write(2);
  (void)load(place);
  check_equal("but_takes_its_own", refills(), before + 1);
  asm volatile("invtlb 5, %0, %1" : : "r"(uint64_t{2}), "r"(place + 2 * page) : "memory");
  (void)load(place);
  check_equal("an_address_of_an_asid_is_another_pair", refills(), before + 1);
  asm volatile("invtlb 5, %0, %1" : : "r"(uint64_t{2}), "r"(place) : "memory");
  (void)load(place);
  check_equal("or_this_one", refills(), before + 2);
  set_pair(ram | usual | global, ram | usual | global);
  (void)load(place);
  asid::write(3);
  const uint64_t shared = refills();
  check("a_global_entry_is_everybodys", load(place + 8) == ram && refills() == shared);
  asm volatile("invtlb 4, %0, $zero" : : "r"(uint64_t{3}) : "memory");
  (void)load(place);
  check_equal("and_is_no_asids_to_invalidate", refills(), shared);
  asm volatile("invtlb 6, %0, %1" : : "r"(uint64_t{3}), "r"(place) : "memory");
  (void)load(place);
  check_equal("but_by_its_address_it_is", refills(), shared + 1);
  asid::write(0);
}

// --- entries by hand ---

void entries() {
  set_pair(0, 0);
  tlbehi::write(place);
  asm volatile("tlbsrch" ::: "memory");
  check("a_search_finds_nothing", (tlbidx::read() & no_entry) != 0);
  tlbidx::write(page_bits << 24 | 2100);  // an entry of the MTLB
  tlbelo0::write(ram | usual);
  tlbelo1::write((ram + page) | usual);
  asm volatile("tlbwr" ::: "memory");
  const uint64_t before = refills();
  check("an_entry_that_was_written_translates", load(place + page + 8) == ram + page && refills() == before);
  tlbehi::write(place);
  tlbidx::write(0);
  asm volatile("tlbsrch" ::: "memory");
  check_equal("a_search_finds_where_it_was_written", tlbidx::read() & (no_entry | 0xfff), 2100);
  tlbelo0::write(0);
  tlbehi::write(0);
  asm volatile("tlbrd" ::: "memory");
  check_equal("reading_it_gives_its_address", tlbehi::read(), place);
  check_equal("and_its_first_page", tlbelo0::read() & physical_mask, ram | usual);
  check_equal("and_its_size", tlbidx::read() >> 24 & 0x3f, page_bits);
  tlbidx::write(no_entry | page_bits << 24 | 2100);
  asm volatile("tlbwr" ::: "memory");
  check_class("written_as_none_it_is_gone", try_load(place), load_invalid);
}

// --- tables ---

void tables() {
  // Three tables of a page each behind the pages that are mapped.
  const uint64_t root = ram + 16 * page, directory = ram + 17 * page, table = ram + 18 * page;
  for (uint64_t offset = 0; offset < 3 * page; offset += 8) write64(root + offset, 0);
  write64(root + (place >> 30 & 511) * 8, directory);
  write64(directory, table);
  constexpr uint64_t huge = 1 << 6;
  write64(directory + 8, ram | usual | huge);
  write64(table, (ram + 3 * page) | usual);
  write64(table + 8, (ram + 2 * page) | usual);
  pwcl::write(12 | 9 << 5 | 21 << 10 | 9 << 15);
  pwch::write(30 | 9 << 6);
  pgdl::write(root);
  handle_by(suite_walking_refill);
  forget();
  check_equal("a_walk_finds_a_page", load(place + 8), ram + 3 * page);
  check_equal("and_its_neighbour", load(place + page + 8), ram + 2 * page);
  check_equal("a_walk_finds_a_large_page", load(place + large + 7 * page + 8), ram + 7 * page);
  check_class("what_the_tables_leave_out_is_invalid", try_load(place + 2 * page), load_invalid);
  check_class("a_whole_directory_too", try_load(place + 3 * large), load_invalid);
}

// --- programs ---

// At PLV 3, in a page that programs may execute: one instruction, and back in the kernel.
Fault at_plv3(uint32_t instruction, uint64_t a0 = 0) {
  constexpr uint32_t ret = 0x4c00'0020, syscall_0 = 0x002b'0000;
  write64(ram, instruction | uint64_t{syscall_0} << 32);
  write64(ram + 8, ret);
  asm volatile("dbar 0\n ibar 0" ::: "memory");
  return attempt([=] {
    register uint64_t r4 asm("$a0") = a0;
    uint64_t to = place, level = 3;
    asm volatile(
        "csrwr %1, 0x6\n"
        "csrwr %2, 0x1\n"
        "pcaddi $ra, 2\n"
        "ertn\n"
        : "+r"(r4), "+r"(to), "+r"(level)
        :
        : "$ra", "memory");
  });
}

void programs() {
  constexpr uint32_t nop = 0x0340'0000, load_a0 = 0x28c0'0084, csrrd_crmd = 0x0400'0004, idle = 0x0648'8000,
                     iocsr_read = 0x0648'0884, tlbfill = 0x0648'3400, rdtime = 0x0000'6804, cpucfg_a0 = 0x0000'6c84;
  handle_by(suite_fixed_refill);
  set_pair(ram | usual | for_programs, (ram + page) | usual);
  check_class("a_program_runs_and_calls", at_plv3(nop), syscall);
  check_class("it_reads_the_counter", at_plv3(rdtime), syscall);
  check_class("and_the_configuration", at_plv3(cpucfg_a0), syscall);
  check_class("and_its_own_page", at_plv3(load_a0, place), syscall);
  check_class("the_kernels_page_raises_ppi", at_plv3(load_a0, place + page), privilege);
  check_class("the_kernels_window_raises_adem", at_plv3(load_a0, cached | ram), code_address);
  check_class("a_control_register_raises_ipe", at_plv3(csrrd_crmd), privileged);
  check_class("idle_raises_ipe", at_plv3(idle), privileged);
  check_class("an_iocsr_raises_ipe", at_plv3(iocsr_read), privileged);
  check_class("filling_the_tlb_raises_ipe", at_plv3(tlbfill), privileged);
}

constinit uint64_t seen_there = 0;

void other_cpus() {
  const uint64_t first = ram + 20 * page, second = ram + 21 * page;
  set_pair(first | usual, first | usual);
  (void)load(place);
  check("another_cpu_translates", run_on(
                                      1,
                                      [](uint64_t other) {
                                        handle_by(suite_fixed_refill);
                                        stlbps::write(page_bits);
                                        set_pair(other | usual, other | usual);
                                        seen_there = load(place + 8);
                                      },
                                      second));
  check_equal("by_entries_of_its_own", seen_there, second);
  check_equal("which_changed_nothing_here", load(place + 8), first);
}

}  // namespace

void translation() {
  constexpr uint64_t boundary = 4 << 20;
  ram = (unused_ram().start.value() + boundary - 1) & ~(boundary - 1);
  for (uint64_t offset = 0; offset < boundary; offset += page) write64(ram + offset + 8, ram + offset);
  handle_by(suite_fixed_refill);
  stlbps::write(page_bits);
  save<2>::write(0);
  mapping();
  refusals();
  identifiers();
  entries();
  tables();
  programs();
  if (smp::count() > 1) other_cpus();
  forget();
}

}  // namespace suite
