// SPDX-License-Identifier: Apache-2.0
#include "vmm/stats.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace {

using vmm::ExitClass;

TEST(ExitStatistics, keeps_count_total_and_longest_of_each_class) {
  vmm::ExitStatistics statistics;
  statistics.record(ExitClass::call, 10);
  statistics.record(ExitClass::call, 30);
  statistics.record(ExitClass::call, 20);
  statistics.record(ExitClass::device, 7);
  EXPECT_EQ(statistics.line(ExitClass::call).count, 3U);
  EXPECT_EQ(statistics.line(ExitClass::call).total, 60U);
  EXPECT_EQ(statistics.line(ExitClass::call).longest, 30U);
  EXPECT_EQ(statistics.line(ExitClass::device).longest, 7U);
  EXPECT_EQ(statistics.line(ExitClass::idle).count, 0U);
  EXPECT_EQ(statistics.exits(), 4U);
  statistics.clear();
  EXPECT_EQ(statistics.exits(), 0U);
  EXPECT_EQ(statistics.line(ExitClass::call).longest, 0U);
}

TEST(ExitStatistics, prints_the_classes_that_occurred) {
  vmm::ExitStatistics statistics;
  statistics.record(ExitClass::registers, 100);
  statistics.record(ExitClass::registers, 300);
  std::array<char, 512> buffer{};
  hal::BufferSink sink(buffer);
  vmm::describe(sink, statistics, 100'000'000);
  EXPECT_EQ(std::string(sink.text()),
            "exits              count        total ns     mean ns  longest ns\n"
            "registers              2            4000        2000        3000\n");
}

TEST(ExitStatistics, has_a_name_for_every_class) {
  for (size_t i = 0; i < vmm::exit_classes; ++i) EXPECT_FALSE(name(static_cast<ExitClass>(i)).empty());
}

}  // namespace
