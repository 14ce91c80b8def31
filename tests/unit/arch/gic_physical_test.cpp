// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/regs/gic_physical.hpp"

#include <gtest/gtest.h>

namespace {

using arch::regs::gicc;

constexpr uint32_t gic_400 = 0x0202'143b;  // GICC_IIDR, GIC-400 TRM 3.3

TEST(GicCpuInterface, begins_at_the_last_of_sixteen_aliases_where_each_page_fills_64_kib) {
  EXPECT_EQ(gicc::first_page(0x2'0000, gic_400), 0xf000U);
  // So that GICC_DIR is where the second page begins.
  EXPECT_EQ(gicc::first_page(0x2'0000, gic_400) + gicc::dir, 0x1'0000U);
}

TEST(GicCpuInterface, begins_where_its_region_does_where_there_are_no_aliases) {
  EXPECT_EQ(gicc::first_page(0x2'0000, 0), 0U);
  EXPECT_EQ(gicc::first_page(0x2'0000, 0xffff'ffff), 0U);
  EXPECT_EQ(gicc::first_page(0x2'0000, 0x0201'143b), 0U) << "version 1 has no GICC_DIR and no aliases of it";
  EXPECT_EQ(gicc::first_page(0x1'0000, gic_400), 0U) << "one page of 64 KiB";
  EXPECT_EQ(gicc::first_page(0x2000, gic_400), 0U);
}

}  // namespace
