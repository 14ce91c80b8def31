// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/regs/sve.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace {

using namespace arch::regs;

CommonSveLengths join(std::initializer_list<SveLengths> cpus) {
  CommonSveLengths common;
  for (const SveLengths cpu : cpus) common.join(cpu);
  return common;
}

TEST(SveLengths, are_those_of_one_cpu_where_all_are_alike) {
  const CommonSveLengths common = join({0b1011, 0b1011});
  EXPECT_EQ(common.usable(), 0b1011);
  EXPECT_FALSE(common.differ());
  EXPECT_EQ(longest(common.usable()), 4U);
  EXPECT_EQ(longest(join({0xffff}).usable()), max_sve_quads);
}

TEST(SveLengths, end_at_the_shorter_cpu) {
  const CommonSveLengths common = join({0b0011, 0b1011});
  EXPECT_EQ(common.usable(), 0b0011);
  EXPECT_TRUE(common.differ());
}

// A limit of four quads would give three on the first and two on the second.
TEST(SveLengths, end_below_what_only_one_cpu_has_in_between) {
  EXPECT_EQ(join({0b1111, 0b1011}).usable(), 0b0011);
  EXPECT_EQ(join({0b1011, 0b1111}).usable(), 0b0011);
}

TEST(SveLengths, are_none_where_a_cpu_has_no_sve) {
  EXPECT_EQ(join({0b1011, 0}).usable(), 0);
  EXPECT_TRUE(join({0b1011, 0}).differ());
  EXPECT_EQ(join({0, 0}).usable(), 0);
  EXPECT_FALSE(join({0, 0}).differ());
  EXPECT_EQ(longest(0), 0U);
  EXPECT_EQ(join({}).usable(), 0);
}

// 32 vectors, 16 predicates of an eighth of that, and FFR.
TEST(SveState, has_the_size_that_the_stores_give_it) {
  EXPECT_EQ(sve_vector_bytes(1) + sve_predicate_bytes(1), 512U + 34U);
  EXPECT_EQ(sve_vector_bytes(16) + sve_predicate_bytes(16), 8192U + 512U + 32U);
}

}  // namespace
