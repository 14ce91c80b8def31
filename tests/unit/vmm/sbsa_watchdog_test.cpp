// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/sbsa_watchdog.hpp"

#include <gtest/gtest.h>

#include "device_fakes.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakeTimer;

constexpr vmm::VirtualIrq irq{44};
constexpr uint64_t wcs = 0x000, wor = 0x008, wcv = 0x010, iidr = 0xfcc, wrr = 0x000;
constexpr uint64_t enable = 1, ws0 = 2, ws1 = 4;

class Owner final : public vmm::WatchdogOwner {
 public:
  void watchdog_expired() override { ++calls; }
  unsigned calls = 0;
};

class SbsaWatchdog : public testing::Test {
 protected:
  void start(uint64_t period) {
    control.write(wor, period);
    control.write(wcs, enable);
  }

  FakeIrqs irqs;
  FakeTimer timer;
  Owner owner;
  vmm::SbsaWatchdog watchdog{
      {hal::GuestPhys(0x910'0000), 0x1000}, {hal::GuestPhys(0x911'0000), 0x1000}, {irqs, irq}, timer, owner};
  Bus control{watchdog.control_frame()};
  Bus refresh{watchdog.refresh_frame()};
};

TEST_F(SbsaWatchdog, sleeps_until_it_is_enabled) {
  control.write(wor, 100);
  timer.advance(1000);
  EXPECT_EQ(control.read(wcs), 0U);
  EXPECT_FALSE(irqs.level(irq));
}

TEST_F(SbsaWatchdog, interrupts_after_one_period_and_tells_its_owner_after_two) {
  timer.ticks = 5;
  start(100);
  EXPECT_EQ(control.read(wcv), 105U);
  timer.advance(99);
  EXPECT_EQ(control.read(wcs), enable);
  timer.advance(1);
  EXPECT_EQ(control.read(wcs), enable | ws0);
  EXPECT_TRUE(irqs.level(irq));
  EXPECT_EQ(control.read(wcv), 205U);
  timer.advance(99);
  EXPECT_EQ(owner.calls, 0U);
  timer.advance(1);
  EXPECT_EQ(control.read(wcs), enable | ws0 | ws1);
  EXPECT_EQ(owner.calls, 1U);
  timer.advance(1000);
  EXPECT_EQ(owner.calls, 1U);
}

TEST_F(SbsaWatchdog, stays_quiet_while_it_is_refreshed) {
  start(100);
  for (unsigned i = 0; i < 20; ++i) {
    timer.advance(90);
    refresh.write(wrr, 0);
  }
  EXPECT_EQ(control.read(wcs), enable);
  EXPECT_EQ(irqs.calls, 0U);
}

TEST_F(SbsaWatchdog, forgives_after_the_interrupt) {
  start(100);
  timer.advance(150);
  EXPECT_TRUE(irqs.level(irq));
  refresh.write(wrr, 0);
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(control.read(wcs), enable);
  EXPECT_EQ(control.read(wcv), 250U);
}

TEST_F(SbsaWatchdog, takes_a_period_of_48_bits) {
  control.write(wor, 0xffff'8765'4321'0000, 8);
  EXPECT_EQ(control.read(wor, 8), 0x8765'4321'0000U);
  EXPECT_EQ(control.read(wor + 4), 0x8765U);
}

TEST_F(SbsaWatchdog, may_be_given_the_end_of_the_period_itself) {
  start(100);
  control.write(wcv, 1000, 8);
  timer.advance(500);
  EXPECT_EQ(control.read(wcs), enable);
  timer.advance(500);
  EXPECT_EQ(control.read(wcs), enable | ws0);
}

TEST_F(SbsaWatchdog, stops_when_disabled) {
  start(100);
  timer.advance(100);
  control.write(wcs, 0);
  EXPECT_EQ(control.read(wcs), 0U);
  EXPECT_FALSE(irqs.level(irq));
  timer.advance(1000);
  EXPECT_EQ(owner.calls, 0U);
}

TEST_F(SbsaWatchdog, does_not_count_time_while_the_guest_stands_still) {
  start(100);
  timer.advance(60);
  watchdog.pause();
  timer.advance(1'000'000);
  EXPECT_EQ(control.read(wcs), enable);
  watchdog.resume(1'000'000);
  timer.advance(39);
  EXPECT_EQ(control.read(wcs), enable);
  timer.advance(1);
  EXPECT_EQ(control.read(wcs), enable | ws0);
}

TEST_F(SbsaWatchdog, keeps_its_compare_value_where_the_guests_counter_stood_still) {
  start(100);
  timer.advance(60);
  const uint64_t compare = control.read(wcv);
  watchdog.pause();
  watchdog.resume(0);
  EXPECT_EQ(control.read(wcv), compare);
  timer.advance(40);
  EXPECT_EQ(control.read(wcs), enable | ws0);
}

TEST_F(SbsaWatchdog, is_off_after_a_reset) {
  start(100);
  timer.advance(100);
  watchdog.control_frame().reset();
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(control.read(wcs), 0U);
  EXPECT_EQ(control.read(wor), 0U);
  EXPECT_EQ(timer.deadline, FakeTimer::never);
}

TEST_F(SbsaWatchdog, ignores_an_alarm_that_came_late) {
  start(100);
  watchdog.alarm();
  EXPECT_EQ(control.read(wcs), enable);
}

TEST_F(SbsaWatchdog, identifies_itself_in_both_frames) {
  EXPECT_EQ(control.read(iidr) >> 16, 1U);
  EXPECT_EQ(control.read(iidr), refresh.read(iidr));
  EXPECT_EQ(refresh.read(wrr), 0U);
}

TEST_F(SbsaWatchdog, survives_a_period_of_nothing) {
  start(0);
  timer.advance(1);
  timer.advance(1);
  EXPECT_EQ(owner.calls, 1U);
}

}  // namespace
