// SPDX-License-Identifier: Apache-2.0
#include "vmm/stats.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "vmm/observation.hpp"

namespace {

using hal::ExitClass;

TEST(ExitCosts, keep_number_total_and_longest_of_each_class) {
  vmm::ExitCosts costs;
  costs.record(ExitClass::call, 10);
  costs.record(ExitClass::call, 30);
  costs.record(ExitClass::call, 20);
  costs.record(ExitClass::device, 7);
  EXPECT_EQ(costs.line(ExitClass::call).measured, 3U);
  EXPECT_EQ(costs.line(ExitClass::call).total, 60U);
  EXPECT_EQ(costs.line(ExitClass::call).longest, 30U);
  EXPECT_EQ(costs.line(ExitClass::device).longest, 7U);
  EXPECT_EQ(costs.line(ExitClass::idle).measured, 0U);
  costs.clear();
  EXPECT_EQ(costs.line(ExitClass::call).measured, 0U);
  EXPECT_EQ(costs.line(ExitClass::call).longest, 0U);
}

TEST(ExitCosts, have_a_name_for_every_class) {
  for (size_t i = 0; i < hal::exit_classes; ++i) EXPECT_FALSE(name(static_cast<ExitClass>(i)).empty());
}

TEST(ExitObserver, measures_the_cpu_time_between_begin_and_end) {
  vmm::ExitObserver observer;
  observer.measure(true);
  observer.begin({0x1000, 0, ExitClass::device}, 100);
  observer.end(142);
  EXPECT_EQ(observer.costs.line(ExitClass::device).total, 42U);
}

TEST(ExitObserver, measures_only_while_it_is_asked_to) {
  vmm::ExitObserver observer;
  observer.begin({0x1000, 0, ExitClass::call}, 100);
  observer.end(142);
  EXPECT_EQ(observer.costs.line(ExitClass::call).measured, 0U);
}

TEST(ExitObserver, begins_from_nothing_each_time_it_is_asked_to_measure) {
  vmm::ExitObserver observer;
  const auto exit = [&] {
    observer.begin({0x1000, 0, ExitClass::call}, 100);
    observer.end(142);
  };
  observer.measure(true);
  exit();
  observer.measure(true);  // goes on
  exit();
  EXPECT_EQ(observer.costs.line(ExitClass::call).measured, 2U);
  observer.measure(false);
  EXPECT_EQ(observer.costs.line(ExitClass::call).measured, 2U);
  observer.measure(true);
  EXPECT_EQ(observer.costs.line(ExitClass::call).measured, 0U);
}

TEST(ExitObserver, remembers_the_last_exits_in_their_order) {
  vmm::ExitObserver observer;
  std::vector<uint64_t> seen;
  const auto look = [&] {
    seen.clear();
    observer.for_each_last([&](const vmm::ExitObserver::Exit& exit) { seen.push_back(exit.pc); });
  };
  look();
  EXPECT_TRUE(seen.empty());
  for (uint64_t pc = 0; pc < 3; ++pc) observer.begin({pc, 0, ExitClass::call}, 0);
  look();
  EXPECT_EQ(seen, (std::vector<uint64_t>{0, 1, 2}));
  for (uint64_t pc = 3; pc < 20; ++pc) observer.begin({pc, 0, ExitClass::call}, 0);
  look();
  EXPECT_EQ(seen, (std::vector<uint64_t>{12, 13, 14, 15, 16, 17, 18, 19}));
  observer.forget();
  look();
  EXPECT_TRUE(seen.empty());
}

}  // namespace
