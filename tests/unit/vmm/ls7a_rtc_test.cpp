// SPDX-License-Identifier: Apache-2.0
// The C library's calendar is the reference.
#include "vmm/device/ls7a_rtc.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "device_fakes.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakeTimer;

constexpr vmm::VirtualIrq irq{6};
constexpr uint64_t pm1_enable = 0x10, toy_write0 = 0x124, toy_write1 = 0x128, toy_read0 = 0x12c, toy_read1 = 0x130,
                   toy_match0 = 0x134, control = 0x140, rtc_write0 = 0x164, rtc_read0 = 0x168, rtc_match0 = 0x16c;
constexpr uint64_t epoch = 1'700'000'000;

std::tm calendar(uint64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  std::tm tm{};
  gmtime_r(&time, &tm);
  return tm;
}
uint32_t toy(const std::tm& tm) {
  return static_cast<uint32_t>((tm.tm_mon + 1) << 26 | tm.tm_mday << 21 | tm.tm_hour << 16 | tm.tm_min << 10 |
                               tm.tm_sec << 4);
}
uint32_t match(const std::tm& tm) {
  return static_cast<uint32_t>((tm.tm_year & 63) << 26 | (tm.tm_mon + 1) << 22 | tm.tm_mday << 17 | tm.tm_hour << 12 |
                               tm.tm_min << 6 | tm.tm_sec);
}

class Ls7aRtc : public testing::Test {
 protected:
  void seconds(uint64_t n) { timer.advance(n * timer.hz); }
  void expect_time(uint64_t seconds) {
    const std::tm tm = calendar(seconds);
    EXPECT_EQ(bus.read(toy_read0), toy(tm));
    EXPECT_EQ(bus.read(toy_read1), static_cast<uint32_t>(tm.tm_year));
  }
  void set_time(uint64_t seconds) {
    bus.write(toy_write0, toy(calendar(seconds)));
    bus.write(toy_write1, static_cast<uint32_t>(calendar(seconds).tm_year));
  }

  FakeIrqs irqs;
  FakeTimer timer;
  vmm::Ls7aRtc rtc{hal::GuestPhys(0x100d'0000), {irqs, irq}, timer, epoch};
  Bus bus{rtc};
};

TEST_F(Ls7aRtc, shows_the_wall_clock_without_having_been_set) {
  expect_time(epoch);
  timer.advance(999);
  expect_time(epoch);
  timer.advance(1);
  expect_time(epoch + 1);
}

TEST_F(Ls7aRtc, knows_every_day_of_the_calendar) {
  for (uint64_t day = 0; day < 366 * 140; ++day) {
    timer.ticks = day * 86'400 * timer.hz;
    expect_time(epoch + day * 86'400);
  }
}

TEST_F(Ls7aRtc, runs_on_from_the_time_it_was_set_to) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 2'000; ++i) {
    const uint64_t time = 946'684'800 + random() % 3'155'760'000;
    // The day may not exist in the year that is set next: Linux writes both words and expects the same.
    bus.write(toy_write1, static_cast<uint32_t>(calendar(time).tm_year));
    set_time(time);
    expect_time(time);
    const uint64_t later = random() % 100'000;
    timer.advance(later * timer.hz);
    expect_time(time + later);
  }
}

TEST_F(Ls7aRtc, stands_at_nothing_and_takes_nothing_while_it_is_disabled) {
  bus.write(control, 1 << 8);
  EXPECT_EQ(bus.read(toy_read0), 0U);
  EXPECT_EQ(bus.read(toy_read1), 0U);
  EXPECT_EQ(bus.read(rtc_read0), 0U);
  set_time(1'000'000'000);
  bus.write(rtc_write0, 77);
  bus.write(control, 1 << 13 | 1 << 11 | 1 << 8);
  expect_time(epoch);
  EXPECT_EQ(bus.read(rtc_read0), 0U);
}

TEST_F(Ls7aRtc, interrupts_at_the_match_and_until_that_is_written) {
  bus.write(toy_match0, match(calendar(epoch + 3)));
  seconds(2);
  EXPECT_FALSE(irqs.level(irq));
  seconds(1);
  EXPECT_TRUE(irqs.level(irq));
  bus.write(toy_match0, 0);
  EXPECT_FALSE(irqs.level(irq));
  seconds(1'000'000);
  EXPECT_FALSE(irqs.level(irq)) << "a time that has passed is not met again";
}

TEST_F(Ls7aRtc, has_three_matches_of_the_calendar_and_three_of_the_counter) {
  for (unsigned i = 0; i < 3; ++i) {
    bus.write(toy_match0 + 4 * i, match(calendar(epoch + 1 + i)));
    bus.write(rtc_match0 + 4 * i, (4 + i) * 32'768);
  }
  for (unsigned i = 0; i < 6; ++i) {
    seconds(1);
    EXPECT_TRUE(irqs.level(irq)) << i;
    bus.write(i < 3 ? toy_match0 + 4 * i : rtc_match0 + 4 * (i - 3), 0);
    EXPECT_FALSE(irqs.level(irq)) << i;
  }
}

TEST_F(Ls7aRtc, counts_cycles_of_a_crystal) {
  EXPECT_EQ(bus.read(rtc_read0), 0U);
  timer.advance(500);
  EXPECT_EQ(bus.read(rtc_read0), 16'384U);
  bus.write(rtc_write0, 0xffff'ffff);
  seconds(1);
  EXPECT_EQ(bus.read(rtc_read0), 32'767U);
}

TEST_F(Ls7aRtc, moves_the_alarm_when_the_clock_is_set) {
  bus.write(toy_match0, match(calendar(epoch + 100)));
  set_time(epoch + 98);
  seconds(1);
  EXPECT_FALSE(irqs.level(irq));
  seconds(1);
  EXPECT_TRUE(irqs.level(irq));
}

TEST_F(Ls7aRtc, sees_a_match_that_was_reached_before_its_alarm_came) {
  bus.write(toy_match0, match(calendar(epoch + 1)));
  timer.ticks += 5 * timer.hz;
  bus.write(toy_match0 + 4, match(calendar(epoch + 9)));
  EXPECT_TRUE(irqs.level(irq));
}

TEST_F(Ls7aRtc, keeps_the_time_it_was_set_to_through_a_reset) {
  set_time(1'000'000'000);
  bus.write(toy_match0, match(calendar(1'000'000'000)));
  EXPECT_TRUE(irqs.level(irq)) << "it is that time already";
  seconds(7);
  rtc.reset();
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(timer.deadline, FakeTimer::never);
  expect_time(1'000'000'007);
}

TEST_F(Ls7aRtc, keeps_the_wake_up_bit_that_linux_looks_for) {
  EXPECT_EQ(bus.read(pm1_enable), 0U);
  bus.write(pm1_enable, 1 << 10);
  EXPECT_EQ(bus.read(pm1_enable), 1U << 10);
}

// Nothing that a guest writes is out of range: the sanitizers watch.
TEST_F(Ls7aRtc, survives_any_access) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 200'000; ++i) {
    const auto size = static_cast<uint8_t>(1U << random() % 4);
    const uint64_t offset = random() % vmm::Ls7aRtc::window_size & ~uint64_t{size - 1U};
    if (random() % 2 == 0) {
      bus.write(offset, random(), size);
    } else {
      (void)bus.read(offset, size);
    }
    if (random() % 8 == 0) timer.advance(random() % 5'000);
    if (random() % 64 == 0) bus.write(control, 1 << 13 | 1 << 11 | 1 << 8);
  }
}

}  // namespace
