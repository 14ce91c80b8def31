// SPDX-License-Identifier: Apache-2.0
#include "task/cpu_set.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using task::CpuSet;

TEST(CpuSet, knows_its_members) {
  CpuSet set = CpuSet::only(3);
  set.add(63);
  EXPECT_TRUE(set.contains(3));
  EXPECT_TRUE(set.contains(63));
  EXPECT_FALSE(set.contains(0));
  EXPECT_EQ(set.count(), 2U);
  EXPECT_EQ(set.first(), 3U);
  set.remove(3);
  EXPECT_EQ(set, CpuSet::only(63));
  EXPECT_TRUE(CpuSet().empty());
  EXPECT_EQ(CpuSet::all().count(), 64U);
}

TEST(CpuSet, combines_with_others) {
  const CpuSet a(0b1100);
  const CpuSet b(0b0110);
  EXPECT_EQ(a & b, CpuSet(0b0100));
  EXPECT_EQ(a | b, CpuSet(0b1110));
  EXPECT_EQ(a - b, CpuSet(0b1000));
}

TEST(CpuSet, lists_its_members_in_ascending_order) {
  std::vector<hal::CpuIndex> seen;
  for (const hal::CpuIndex cpu : CpuSet(1ULL << 63 | 0b1001)) seen.push_back(cpu);
  EXPECT_EQ(seen, (std::vector<hal::CpuIndex>{0, 3, 63}));
  for (const hal::CpuIndex cpu : CpuSet()) FAIL() << cpu;
}

}  // namespace
