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

}  // namespace
