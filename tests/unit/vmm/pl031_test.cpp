// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl031.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "device_fakes.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakeTimer;

constexpr vmm::VirtualIrq irq{34};
constexpr uint64_t dr = 0x00, mr = 0x04, lr = 0x08, cr = 0x0c, imsc = 0x10, ris = 0x14, mis = 0x18, icr = 0x1c;
constexpr uint64_t epoch = 1'700'000'000;

class Pl031 : public testing::Test {
 protected:
  void seconds(uint64_t n) { timer.advance(n * timer.hz); }

  FakeIrqs irqs;
  FakeTimer timer;
  vmm::Pl031 rtc{hal::GuestPhys(0x901'0000), {irqs, irq}, timer, epoch};
  Bus bus{rtc};
};

TEST_F(Pl031, shows_the_wall_clock_in_seconds) {
  EXPECT_EQ(bus.read(dr), epoch);
  timer.advance(999);
  EXPECT_EQ(bus.read(dr), epoch);
  timer.advance(1);
  EXPECT_EQ(bus.read(dr), epoch + 1);
  EXPECT_EQ(bus.read(cr), 1U);
}

TEST_F(Pl031, identifies_itself) {
  const std::vector<uint64_t> expected{0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(bus.read(0xfe0 + 4 * i), expected[i]);
}

TEST_F(Pl031, counts_on_from_a_loaded_value) {
  timer.advance(500);
  bus.write(lr, 100);
  EXPECT_EQ(bus.read(dr), 100U);
  timer.advance(999);
  EXPECT_EQ(bus.read(dr), 100U);
  timer.advance(1);
  EXPECT_EQ(bus.read(dr), 101U);
  EXPECT_EQ(bus.read(lr), 100U);
}

TEST_F(Pl031, interrupts_at_the_match_and_not_before) {
  bus.write(imsc, 1);
  bus.write(mr, epoch + 3);
  seconds(2);
  EXPECT_FALSE(irqs.level(irq));
  seconds(1);
  EXPECT_TRUE(irqs.level(irq));
  EXPECT_EQ(bus.read(ris), 1U);
  EXPECT_EQ(bus.read(mis), 1U);
  bus.write(icr, 1);
  EXPECT_FALSE(irqs.level(irq));
  seconds(10);
  EXPECT_FALSE(irqs.level(irq)) << "one match, one interrupt";
}

TEST_F(Pl031, matches_at_once_when_the_counter_is_there_already) {
  bus.write(mr, epoch);
  EXPECT_EQ(bus.read(ris), 1U);
  EXPECT_EQ(bus.read(mis), 0U);
  EXPECT_FALSE(irqs.level(irq));
  bus.write(imsc, 1);
  EXPECT_TRUE(irqs.level(irq));
}

TEST_F(Pl031, wraps_around_to_a_match_in_the_past) {
  bus.write(lr, 0xffff'ffff);
  bus.write(mr, 1);
  seconds(1);
  EXPECT_EQ(bus.read(dr), 0U);
  EXPECT_EQ(bus.read(ris), 0U);
  seconds(1);
  EXPECT_EQ(bus.read(ris), 1U);
}

TEST_F(Pl031, moves_the_alarm_when_the_clock_is_set) {
  bus.write(mr, epoch + 100);
  bus.write(lr, epoch + 98);
  seconds(1);
  EXPECT_EQ(bus.read(ris), 0U);
  seconds(1);
  EXPECT_EQ(bus.read(ris), 1U);
}

TEST_F(Pl031, ignores_an_alarm_that_is_late_for_a_moved_deadline) {
  bus.write(mr, epoch + 1);
  bus.write(mr, epoch + 50);
  timer.ticks += 2 * timer.hz;
  rtc.alarm();
  EXPECT_EQ(bus.read(ris), 0U);
}

TEST_F(Pl031, keeps_the_time_it_was_set_to_through_a_reset) {
  bus.write(lr, 5);
  bus.write(imsc, 1);
  bus.write(mr, 5);
  EXPECT_TRUE(irqs.level(irq));
  seconds(7);
  rtc.reset();
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(bus.read(dr), 12U);
  EXPECT_EQ(timer.deadline, FakeTimer::never);
}

TEST_F(Pl031, reads_zero_and_ignores_writes_where_there_is_no_register) {
  for (uint64_t offset = 0x20; offset < 0xfe0; offset += 4) {
    bus.write(offset, 0xffff'ffff);
    ASSERT_EQ(bus.read(offset), 0U);
  }
  bus.write(dr, 1);
  EXPECT_EQ(bus.read(dr), epoch);
}

}  // namespace
