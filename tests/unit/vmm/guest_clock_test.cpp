// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_clock.hpp"

#include <gtest/gtest.h>

namespace {

using vmm::GuestClock;

TEST(GuestClock, shows_the_machines_time_until_the_guest_stood_still) {
  const GuestClock clock(true);
  EXPECT_EQ(clock.offset(), 0U);
  EXPECT_EQ(clock.at(1000), 1000U);
  EXPECT_EQ(clock.to_host(1000), 1000U);
}

TEST(GuestClock, stands_still_with_the_guest) {
  GuestClock clock(true);
  clock.pause(1000);
  EXPECT_EQ(clock.at(61'000), 1000U);
  EXPECT_EQ(clock.resume(61'000), 0U);
  EXPECT_EQ(clock.offset(), 60'000U);
  EXPECT_EQ(clock.at(61'007), 1007U);
  EXPECT_EQ(clock.to_host(1010), 61'010U);
}

TEST(GuestClock, adds_up_what_it_stood_still) {
  GuestClock clock(true);
  for (hal::Ticks host = 0; host < 300; host += 100) {
    clock.pause(host);
    EXPECT_EQ(clock.resume(host + 90), 0U);
  }
  EXPECT_EQ(clock.at(300), 30U);
}

TEST(GuestClock, runs_on_where_the_file_says_so) {
  GuestClock clock(false);
  clock.pause(1000);
  EXPECT_EQ(clock.at(1500), 1500U);
  EXPECT_EQ(clock.resume(1500), 500U);
  EXPECT_EQ(clock.at(1500), 1500U);
  EXPECT_EQ(clock.offset(), 0U);
}

TEST(GuestClock, never_is_never_whatever_the_offset) {
  GuestClock clock(true);
  clock.pause(0);
  EXPECT_EQ(clock.resume(100), 0U);
  EXPECT_EQ(clock.to_host(hal::never), hal::never);
  EXPECT_EQ(clock.to_host(hal::never - 50), hal::never);
}

TEST(GuestClock, is_the_machines_again_after_a_reset) {
  GuestClock clock(true);
  clock.pause(100);
  clock.reset();
  EXPECT_EQ(clock.at(200), 200U);
}

}  // namespace
