// SPDX-License-Identifier: Apache-2.0
#include "task/timer.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

#include "world.hpp"

namespace {

class Timers : public World {};

struct Alarm {
  Alarm() : timer(ring, this) {}
  static void ring(void* alarm) { static_cast<Alarm*>(alarm)->rang.push_back(hal::Timer::now()); }
  std::vector<hal::Ticks> rang;
  task::Timer timer;
};

TEST_F(Timers, fire_once_and_never_early) {
  Alarm alarm;
  const hal::Ticks due = machine().now() + 3 * millisecond;
  machine().on_cpu(1, [&] { alarm.timer.arm(due); });
  EXPECT_TRUE(alarm.timer.is_armed());
  machine().run_for(3 * millisecond - 1);
  EXPECT_TRUE(alarm.rang.empty());
  machine().run_for(10 * millisecond);
  EXPECT_EQ(alarm.rang, std::vector{due});
  EXPECT_FALSE(alarm.timer.is_armed());
}

TEST_F(Timers, fire_at_once_when_the_deadline_is_past) {
  Alarm alarm;
  machine().on_cpu(2, [&] { alarm.timer.arm(machine().now() - 1); });
  machine().run_for(1);
  EXPECT_EQ(alarm.rang.size(), 1U);
}

TEST_F(Timers, fire_in_the_order_of_their_deadlines) {
  std::deque<Alarm> alarms(50);
  std::mt19937 random(2);
  const hal::Ticks start = machine().now();
  machine().on_cpu(0, [&] {
    for (Alarm& alarm : alarms) alarm.timer.arm(start + 1 + random() % millisecond);
  });
  machine().run_for(2 * millisecond);
  for (const Alarm& alarm : alarms) EXPECT_EQ(alarm.rang, std::vector{alarm.timer.deadline()});
}

TEST_F(Timers, can_be_cancelled_from_another_cpu) {
  Alarm alarm;
  machine().on_cpu(1, [&] { alarm.timer.arm(machine().now() + millisecond); });
  machine().on_cpu(3, [&] { alarm.timer.cancel(); });
  EXPECT_FALSE(alarm.timer.is_armed());
  machine().run_for(5 * millisecond);
  EXPECT_TRUE(alarm.rang.empty());
  machine().on_cpu(3, [&] { alarm.timer.cancel(); });
}

TEST_F(Timers, move_when_they_are_armed_again) {
  Alarm alarm;
  const hal::Ticks start = machine().now();
  machine().on_cpu(1, [&] { alarm.timer.arm(start + millisecond); });
  machine().on_cpu(2, [&] { alarm.timer.arm(start + 2 * millisecond); });
  machine().run_for(5 * millisecond);
  EXPECT_EQ(alarm.rang, std::vector{start + 2 * millisecond});
}

TEST_F(Timers, may_arm_themselves_again) {
  struct Ticker {
    Ticker() : timer(tick, this) {}
    static void tick(void* self) {
      auto& ticker = *static_cast<Ticker*>(self);
      if (++ticker.ticks < 5) ticker.timer.arm(ticker.timer.deadline() + millisecond);
    }
    int ticks = 0;
    task::Timer timer;
  } ticker;
  machine().on_cpu(0, [&] { ticker.timer.arm(machine().now() + millisecond); });
  machine().run_for(20 * millisecond);
  EXPECT_EQ(ticker.ticks, 5);
  EXPECT_FALSE(ticker.timer.is_armed());
}

TEST_F(Timers, let_a_task_sleep) {
  std::vector<hal::Ticks> woke;
  const hal::Ticks start = machine().now();
  spawn("sleeper", fair(), task::CpuSet::all(), [&] {
    for (int i = 1; i <= 3; ++i) {
      task::sleep_until(start + static_cast<unsigned>(i) * 2 * millisecond);
      woke.push_back(hal::Timer::now() - start);
    }
  });
  machine().run_for(20 * millisecond);
  EXPECT_EQ(woke, (std::vector<hal::Ticks>{2 * millisecond, 4 * millisecond, 6 * millisecond}));
}

TEST_F(Timers, cost_no_interrupt_when_none_is_armed) {
  const auto before = machine().counts(1).timer_interrupts;
  spawn_guest(fair(), task::CpuSet::only(1));
  machine().run_for(500 * millisecond);
  EXPECT_EQ(machine().counts(1).timer_interrupts, before);
}

}  // namespace
