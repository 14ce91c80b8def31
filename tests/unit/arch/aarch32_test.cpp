// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/regs/aarch32.hpp"

#include <gtest/gtest.h>

namespace {

using namespace arch::regs;

constexpr uint64_t with_it(uint64_t it) { return spsr32::it_low::of(it & 3) | spsr32::it_high::of(it >> 2); }

TEST(AArch32, outside_an_it_block_changes_nothing) {
  constexpr uint64_t status = 0x6000'0030;
  EXPECT_EQ(advance_it(status), status);
}

TEST(AArch32, counts_the_instructions_of_an_it_block_down) {
  // ITTE EQ: condition 0000, then else, then the end.
  EXPECT_EQ(advance_it(with_it(0b0000'0110)), with_it(0b0000'1100));
  EXPECT_EQ(advance_it(with_it(0b0000'1100)), with_it(0b0001'1000));
  EXPECT_EQ(advance_it(with_it(0b0001'1000)), with_it(0));
}

TEST(AArch32, keeps_the_condition_of_an_it_block_and_the_rest_of_the_status) {
  constexpr uint64_t rest = 0x2000'0230;
  EXPECT_EQ(advance_it(rest | with_it(0b1010'0100)), rest | with_it(0b1010'1000));
}

// Status with these flags, NZCV.
constexpr uint64_t flags(uint64_t nzcv) { return nzcv << 28 | 0x10; }

TEST(AArch32, tells_each_condition_by_the_flags) {
  // F1.3.1: EQ NE CS CC MI PL VS VC HI LS GE LT GT LE, and always.
  for (uint64_t nzcv = 0; nzcv < 16; ++nzcv) {
    const bool n = (nzcv & 8) != 0, z = (nzcv & 4) != 0, c = (nzcv & 2) != 0, v = (nzcv & 1) != 0;
    const bool expected[16] = {z, !z, c, !c, n, !n, v, !v, c && !z, !c || z, n == v, n != v, !z && n == v, z || n != v, true, true};
    for (unsigned condition = 0; condition < 16; ++condition) {
      EXPECT_EQ(condition_holds(flags(nzcv), condition), expected[condition]) << nzcv << ' ' << condition;
    }
  }
}

TEST(AArch32, does_nothing_for_an_instruction_whose_condition_fails) {
  constexpr uint64_t valid = coprocessor_iss::cv::mask;
  EXPECT_FALSE(is_executed(valid | coprocessor_iss::cond::of(0), flags(0)));       // MRRCEQ with Z clear
  EXPECT_TRUE(is_executed(valid | coprocessor_iss::cond::of(0), flags(0b0100)));
  EXPECT_TRUE(is_executed(valid | coprocessor_iss::cond::of(14), flags(0)));
  // T32, where the CPU leaves the condition to the IT block: ITE NE.
  EXPECT_TRUE(is_executed(0, flags(0) | with_it(0b0001'1100)));
  EXPECT_FALSE(is_executed(0, flags(0b0100) | with_it(0b0001'1100)));
  EXPECT_TRUE(is_executed(0, flags(0)));
}

TEST(AArch32, finds_the_physical_timer_in_coprocessor_15) {
  using iss = coprocessor_iss;
  const auto narrow = [](uint64_t op1, uint64_t crn, uint64_t crm, uint64_t op2) {
    return timer_of_32_bits(iss::op1::of(op1) | iss::crn::of(crn) | iss::crm::of(crm) | iss::op2::of(op2) |
                            iss::rt::of(7) | iss::read::mask);
  };
  EXPECT_EQ(narrow(0, 14, 2, 0), cntp_tval_el0::id);
  EXPECT_EQ(narrow(0, 14, 2, 1), cntp_ctl_el0::id);
  EXPECT_EQ(narrow(0, 14, 3, 1), 0U) << "the virtual timer's does not trap";
  EXPECT_EQ(narrow(0, 9, 12, 0), 0U) << "PMCR";
  const auto wide = [](uint64_t op1, uint64_t crm) {
    return timer_of_64_bits(iss::wide_op1::of(op1) | iss::crm::of(crm) | iss::rt::of(2) | iss::rt2::of(3));
  };
  EXPECT_EQ(wide(0, 14), cntpct_el0::id);
  EXPECT_EQ(wide(2, 14), cntp_cval_el0::id);
  EXPECT_EQ(wide(8, 14), cntpctss_el0::id);
  EXPECT_EQ(wide(1, 14), 0U);
  EXPECT_EQ(wide(0, 2), 0U) << "TTBR0";
}

}  // namespace
