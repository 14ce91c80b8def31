// SPDX-License-Identifier: Apache-2.0
// What the CPU says of itself, and control registers (volume 1, 2.2.10.5 and 7): what keeps all that is written. Of others
// QEMU, which is the reference, keeps more than there is.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"

using namespace guest;

namespace probe {

namespace {

template <class Register>
void check_kept(std::string_view name, uint64_t kept) {
  const uint64_t before = Register::read();
  Register::write(~uint64_t{0});
  const uint64_t ones = Register::read();
  Register::write(0);
  const uint64_t zeros = Register::read();
  Register::write(before);
  check_equal(name, ones & ~zeros, kept);
}

void identification() {
  constexpr uint64_t la64 = 2, page_mmu = 1 << 2, iocsr = 1 << 3;
  check_equal("cpucfg_1_says_la64_with_pages_and_iocsr", cpucfg(1) & 0xf, la64 | page_mmu | iocsr);
  check("cpucfg_1_has_48_bits_of_address", (cpucfg(1) >> 4 & 0xff) == 47 && (cpucfg(1) >> 12 & 0xff) == 47);
  check("cpucfg_2_has_floating_point_and_vectors", (cpucfg(2) & 0xc7) == 0xc7);
  check("cpucfg_2_has_the_constant_timer", (cpucfg(2) >> 14 & 1) == 1);
  check("cpucfg_4_and_5_give_100_MHz", ticks(1000) == 100'000'000);
  for (const uint32_t word : {7U, 8U, 15U, 21U, 0x100U, 0x3fff'ffffU}) {
    if (cpucfg(word) != 0) return check_equal("words_of_cpucfg_that_do_not_exist_read_as_0", cpucfg(word), 0);
  }
  check("words_of_cpucfg_that_do_not_exist_read_as_0", true);
  check_equal("cpuid_of_the_boot_cpu_is_0", cpu_number(), 0);
}

void kept_bits() {
  check_kept<save<0>>("save0_keeps_all_bits", ~uint64_t{0});
  check_kept<save<7>>("save7_keeps_all_bits", ~uint64_t{0});
  check_kept<asid>("asid_keeps_10_bits", 0x3ff);
  check_kept<Csr<0x6>>("era_keeps_all_bits", ~uint64_t{0});
  check_kept<Csr<0x7>>("badv_keeps_all_bits", ~uint64_t{0});
  check_equal("asid_has_10_bits", asid::read() >> 16 & 0xff, 10);
  const uint64_t before = save<1>::read();
  uint64_t value = 0xf0f0, mask = 0xff00;
  save<1>::write(0x1234);
  asm volatile("csrxchg %0, %1, 0x31" : "+r"(value) : "r"(mask) : "memory");
  check_equal("csrxchg_returns_what_was_there", value & mask, 0x1234 & mask);
  check_equal("csrxchg_changes_what_its_mask_covers", save<1>::read(), 0xf034);
  save<1>::write(before);
}

// ESTAT's software interrupts are the guest's to set; the rest is not (7.4.5).
void pending_bits() {
  const uint64_t before = estat::read();
  estat::write(before | 0b11);
  check_equal("software_interrupts_can_be_raised", estat::read() & 0x1fff, 0b11);
  estat::write(before & ~uint64_t{0b11});
  check_equal("software_interrupts_can_be_cleared", estat::read() & 0x1fff, 0);
}

void counter() {
  uint64_t id = ~uint64_t{0}, value = 0;
  const uint64_t before = tid::read();
  tid::write(0x77);
  asm volatile("rdtime.d %0, %1" : "=r"(value), "=r"(id));
  check_equal("rdtime_gives_the_id_of_tid", id, 0x77);
  tid::write(before);
  uint64_t low = 0, high = 0;
  asm volatile("rdtimel.w %0, $zero\n rdtimeh.w %1, $zero" : "=r"(low), "=r"(high));
  check("rdtimel_is_the_lower_half", (low & 0xffff'ffff) - (value & 0xffff'ffff) < ticks(60'000));
  check_equal("rdtimeh_is_the_upper_half", high, value >> 32);
  const uint64_t start = now();
  check("the_counter_counts", now() >= start);
}

}  // namespace

void registers() {
  identification();
  kept_bits();
  pending_bits();
  counter();
}

}  // namespace probe
