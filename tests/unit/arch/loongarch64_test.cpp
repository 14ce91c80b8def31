// SPDX-License-Identifier: Apache-2.0
// The pure half of a LoongArch guest: its registers' image, its timer, what it may not execute, what it sees of the CPU.
// Encodings come from LLVM's assembler.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "arch/loongarch64/regs/cpucfg_filter.hpp"
#include "arch/loongarch64/regs/guest_bank.hpp"
#include "arch/loongarch64/regs/guest_timer.hpp"
#include "arch/loongarch64/regs/sensitive.hpp"

namespace {

using namespace arch::regs;
using Kind = Sensitive::Kind;

// --- what exits ------------------------------------------------------------------------------------------------------

struct Row {
  uint32_t instruction;
  Kind kind;
  unsigned rd, rj, log2_size, csr;
};

constexpr Row rows[] = {
    {0x00006c85, Kind::cpucfg, 5, 4, 0, 0},            // cpucfg $a1, $a0
    {0x0400400c, Kind::csr_read, 12, 0, 0, 0x10},      // csrrd $t0, 0x10
    {0x0402002c, Kind::csr_write, 12, 1, 0, 0x80},     // csrwr $t0, 0x80
    {0x041401ac, Kind::csr_exchange, 12, 13, 0, 0x500},  // csrxchg $t0, $t1, 0x500
    {0x06480085, Kind::iocsr_read, 5, 4, 0, 0},        // iocsrrd.b $a1, $a0
    {0x06480485, Kind::iocsr_read, 5, 4, 1, 0},        // iocsrrd.h
    {0x06480885, Kind::iocsr_read, 5, 4, 2, 0},        // iocsrrd.w
    {0x06480c85, Kind::iocsr_read, 5, 4, 3, 0},        // iocsrrd.d
    {0x06481085, Kind::iocsr_write, 5, 4, 0, 0},       // iocsrwr.b
    {0x06481c85, Kind::iocsr_write, 5, 4, 3, 0},       // iocsrwr.d
    {0x06488000, Kind::idle, 0, 0, 0, 0},              // idle 0
    {0x06000089, Kind::cacop, 9, 4, 0, 0},             // cacop 9, $a0, 0
    {0x00006080, Kind::time_low, 0, 4, 0, 0},          // rdtimel.w $zero, $a0
    {0x00006480, Kind::time_high, 0, 4, 0, 0},         // rdtimeh.w
    {0x00006880, Kind::time, 0, 4, 0, 0},              // rdtime.d
    {0x06482000, Kind::unknown, 0, 0, 0, 0},           // tlbclr
    {0x06483800, Kind::unknown, 0, 0, 0, 0},           // ertn
    {0x002b8000, Kind::unknown, 0, 0, 0, 0},           // hvcl 0
    {0x05000000, Kind::unknown, 0, 0, 0, 0},           // gcsrrd $zero, 0
    {0x28c00085, Kind::unknown, 0, 0, 0, 0},           // ld.d $a1, $a0, 0
};

TEST(SensitiveInstructions, are_told_apart_with_their_fields) {
  for (const Row& row : rows) {
    const Sensitive found = decode_sensitive(row.instruction);
    EXPECT_EQ(found.kind, row.kind) << std::hex << row.instruction;
    if (row.kind == Kind::unknown || row.kind == Kind::idle) continue;
    EXPECT_EQ(found.rd, row.rd) << std::hex << row.instruction;
    EXPECT_EQ(found.rj, row.rj) << std::hex << row.instruction;
    EXPECT_EQ(found.log2_size, row.log2_size) << std::hex << row.instruction;
    EXPECT_EQ(found.csr, row.csr) << std::hex << row.instruction;
  }
}

// --- CPUCFG ----------------------------------------------------------------------------------------------------------

TEST(CpucfgFilter, shows_neither_lvz_nor_binary_translation_nor_message_interrupts) {
  const uint32_t two = filter_cpucfg(2, ~0U);
  EXPECT_FALSE(cpucfg2::lvz::is_set(two));
  EXPECT_FALSE(cpucfg2::lvz_version::is_set(two));
  EXPECT_FALSE(cpucfg2::lbt::is_set(two));
  EXPECT_TRUE(cpucfg2::timer::is_set(two));
  EXPECT_TRUE(cpucfg2::lasx::is_set(two));
  EXPECT_FALSE(cpucfg1::msgint::is_set(filter_cpucfg(1, ~0U)));
}

TEST(CpucfgFilter, shows_nothing_of_words_that_nobody_thought_about) {
  for (const uint64_t word : {6ULL, 7ULL, 8ULL, 15ULL, 21ULL, 0x4000'0000ULL, 1ULL << 32, ~0ULL}) {
    EXPECT_EQ(filter_cpucfg(word, ~0U), 0U) << word;
  }
}

TEST(CpucfgFilter, invents_nothing) {
  for (uint32_t word = 0; word < 32; ++word) EXPECT_EQ(filter_cpucfg(word, 0), 0U);
  EXPECT_EQ(filter_cpucfg(0, 0x14c010), 0x14c010U);
  EXPECT_EQ(filter_cpucfg(4, 100'000'000), 100'000'000U);
}

// --- the bank --------------------------------------------------------------------------------------------------------

TEST(GuestBank, has_each_register_once_and_a_name_for_it) {
  std::set<unsigned> numbers;
  std::apply([&](auto... registers) { (numbers.insert(decltype(registers)::number), ...); }, GuestBank{});
  EXPECT_EQ(numbers.size(), guest_bank_size);
  for (const std::string_view name : guest_bank_names) EXPECT_FALSE(name.empty());
  EXPECT_EQ(guest_bank_names[bank_index<tlbrprmd>()], "tlbrprm");
  EXPECT_EQ(guest_bank_names[bank_index<dmw<3>>()], "dmw3");
  EXPECT_EQ(guest_bank_names[bank_index<save<7>>()], "save7");
}

TEST(GuestBank, starts_in_direct_mode_with_interrupts_off_and_its_own_number) {
  GuestBankImage bank;
  bank.words.fill(~uint64_t{0});
  bank.reset(3);
  EXPECT_EQ(bank.at<crmd>(), 8U);
  EXPECT_EQ(bank.at<cpuid>(), 3U);
  EXPECT_EQ(bank.at<tid>(), 3U);
  EXPECT_EQ(bank.at<asid>(), 0xa'0000U);
  EXPECT_EQ(bank.at<pwcl>(), 12U) << "as on QEMU's board";
  EXPECT_EQ(bank.at<stlbps>(), 12U);
  EXPECT_EQ(bank.at<euen>(), 0U);
  EXPECT_EQ(bank.at<dmw<0>>(), 0U);
}

// --- the timer -------------------------------------------------------------------------------------------------------

constexpr uint64_t en = 1, periodic = 2, ti = GuestTimer::line;

TEST(GuestTimer, that_runs_expires_when_it_would_have) {
  const GuestTimer timer = GuestTimer::taken({1000 | en, 400, 0, 0}, 5000);
  EXPECT_EQ(timer.deadline, 5400U);
  const auto early = timer.put_back(5100);
  EXPECT_EQ(early.config, 1000 | en);
  EXPECT_EQ(early.value, 300U);
  EXPECT_FALSE(early.pending);
  const auto late = timer.put_back(5400);
  EXPECT_TRUE(late.pending);
  EXPECT_EQ(late.config & en, 0U) << "it expired once; it must not begin again";
}

TEST(GuestTimer, that_is_off_stays_as_it_is) {
  const GuestTimer timer = GuestTimer::taken({1000, 123, ti, ti}, 5000);
  EXPECT_EQ(timer.deadline, GuestTimer::never);
  const auto plan = timer.put_back(9000);
  EXPECT_EQ(plan.config, 1000U);
  EXPECT_EQ(plan.value, 123U);
  EXPECT_TRUE(plan.pending);
}

// Hardware keeps EN of a one-shot that expired, QEMU clears it: neither may fire again.
TEST(GuestTimer, that_expired_once_neither_fires_again_nor_loses_its_interrupt) {
  for (const bool acknowledged : {false, true}) {
    const uint64_t estat = acknowledged ? 0 : ti;
    for (const uint64_t config : {1000 | en, uint64_t{1000}}) {
      const GuestTimer timer = GuestTimer::taken({config, ~uint64_t{0}, estat, estat}, 5000);
      EXPECT_EQ(timer.deadline, GuestTimer::never);
      const auto plan = timer.put_back(1'000'000);
      EXPECT_EQ(plan.config & en, 0U);
      EXPECT_EQ(plan.pending, !acknowledged);
    }
  }
}

TEST(GuestTimer, that_expires_while_it_is_stopped_has_expired) {
  const GuestTimer timer = GuestTimer::taken({1000 | en, 2, 0, ti}, 5000);
  EXPECT_EQ(timer.deadline, GuestTimer::never);
  EXPECT_TRUE(timer.put_back(5001).pending);
  EXPECT_EQ(timer.put_back(5001).config & en, 0U);
}

TEST(GuestTimer, that_expires_before_its_vcpu_sleeps_wakes_it_at_once) {
  const GuestTimer timer = GuestTimer::taken({1000 | en, ~uint64_t{0}, ti, ti}, 5000);
  EXPECT_EQ(timer.wake_up(true), 0U);
  EXPECT_EQ(timer.wake_up(false), GuestTimer::never) << "and not again and again if the guest does not want to know";
  EXPECT_EQ(GuestTimer::taken({1000 | en, 400, 0, 0}, 5000).wake_up(true), 5400U);
}

TEST(GuestTimer, with_a_period_keeps_its_beat) {
  const GuestTimer timer = GuestTimer::taken({1000 | en | periodic, 400, 0, 0}, 5000);
  EXPECT_EQ(timer.put_back(5200).value, 200U);
  const auto late = timer.put_back(5400 + 2300);
  EXPECT_TRUE(late.pending);
  EXPECT_EQ(late.value, 700U) << "2 periods and 300 ticks later";
  EXPECT_EQ(late.config, 1000 | en | periodic);
}

TEST(GuestTimer, that_stood_still_expires_later_by_as_much) {
  GuestTimer timer = GuestTimer::taken({1000 | en, 400, 0, 0}, 5000);
  timer.move(60'000);
  EXPECT_EQ(timer.put_back(65'100).value, 300U);
  GuestTimer off = GuestTimer::taken({1000, 123, 0, 0}, 5000);
  off.move(60'000);
  EXPECT_EQ(off.deadline, GuestTimer::never);
}

TEST(GuestTimer, with_a_period_of_nothing_expires_once) {
  const GuestTimer timer = GuestTimer::taken({0 | en | periodic, 0, 0, 0}, 5000);
  const auto plan = timer.put_back(6000);
  EXPECT_TRUE(plan.pending);
  EXPECT_EQ(plan.config & en, 0U);
}

TEST(GuestTimer, never_comes_early_and_never_is_late_however_often_it_moves) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 2000; ++round) {
    const uint64_t initial = (random() % 10'000 + 4) & ~uint64_t{3};
    uint64_t now = 1'000'000;
    const uint64_t deadline = now + initial;
    uint64_t value = initial;
    bool pending = false;
    while (!pending) {
      // It runs for a while in a CPU, is taken out, and comes back later.
      const uint64_t run = random() % 3000;
      now += run;
      if (run >= value) {
        EXPECT_GE(now, deadline);
        break;
      }
      const GuestTimer timer = GuestTimer::taken({initial | en, value - run, 0, 0}, now);
      now += random() % 3000;
      const auto plan = timer.put_back(now);
      pending = plan.pending;
      value = plan.value;
      EXPECT_EQ(pending, now >= deadline);
    }
  }
}

}  // namespace
