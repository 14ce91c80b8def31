// SPDX-License-Identifier: Apache-2.0
#include "hal/base/secondary_start.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/fakes/support.hpp"

namespace {

using hal::SecondaryStart;
using Outcome = SecondaryStart::Outcome;

constexpr auto at_once = [] { return true; };

TEST(SecondaryStart, waits_until_the_cpu_has_said_whether_it_joins) {
  for (const bool joins : {true, false}) {
    SecondaryStart start;
    start.expect();
    EXPECT_TRUE(start.arrive());
    start.report(joins);
    EXPECT_EQ(start.wait(at_once), joins ? Outcome::joined : Outcome::refused) << "it is here, whatever the time";
  }
}

TEST(SecondaryStart, keeps_a_cpu_out_that_comes_too_late) {
  SecondaryStart start;
  EXPECT_FALSE(start.arrive()) << "nobody expects it";
  start.expect();
  EXPECT_EQ(start.wait(at_once), Outcome::silent);
  EXPECT_FALSE(start.arrive());
  EXPECT_FALSE(start.arrive());
  start.expect();
  EXPECT_TRUE(start.arrive()) << "the next one";
}

TEST(SecondaryStart, waits_for_one_that_is_here_beyond_the_time) {
  SecondaryStart start;
  start.expect();
  EXPECT_TRUE(start.arrive());
  unsigned waited = 0;
  fake::while_waiting = [&] {
    if (++waited == 100) start.report(true);
  };
  EXPECT_EQ(start.wait(at_once), Outcome::joined);
  EXPECT_EQ(waited, 100U);
  fake::while_waiting = nullptr;
}

TEST(SecondaryStart, lets_both_sides_think_the_same_whoever_is_first) {
  for (unsigned round = 0; round < 500; ++round) {
    SecondaryStart start;
    start.expect();
    bool came = false;
    std::thread other([&] {
      came = start.arrive();
      if (came) start.report(true);
    });
    unsigned patience = round % 50;
    const Outcome outcome = start.wait([&] { return patience-- == 0; });
    other.join();
    ASSERT_EQ(came, outcome == Outcome::joined);
    ASSERT_NE(outcome, Outcome::refused);
  }
}

}  // namespace
