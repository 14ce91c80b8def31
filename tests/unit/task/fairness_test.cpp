// SPDX-License-Identifier: Apache-2.0
// What the fair class promises (docs/scheduling.md).
#include "task/policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "task/wait_queue.hpp"
#include "world.hpp"

namespace {

using task::CpuSet;

class Fairness : public World {
 protected:
  // A guest that computes without pause and notes for how long it was kept from that.
  Job& spawn_watched(task::Scheduling scheduling, CpuSet cpus, hal::Ticks& longest) {
    return spawn("watched", scheduling, cpus, [this, &longest] {
      while (!stopping) {
        const hal::Ticks before = hal::Timer::now();
        if (task::resched_needed()) task::reschedule();
        longest = std::max(longest, hal::Timer::now() - before);
        fake::run_guest(100 * millisecond);
      }
    });
  }
  // A guest that sleeps and computes in turn, each as long as these say.
  template <typename Sleep, typename Burst>
  Job& spawn_sleeper(task::Scheduling scheduling, CpuSet cpus, Sleep sleep, Burst burst) {
    return spawn("sleeper", scheduling, cpus, [this, sleep, burst]() mutable {
      while (!stopping) {
        task::sleep_until(hal::Timer::now() + sleep());
        hal::Ticks used = 0;
        for (const hal::Ticks wanted = burst(); used < wanted && !stopping;) {
          if (task::resched_needed()) task::reschedule();
          used += fake::run_guest(std::min<hal::Ticks>(wanted - used, 100 * millisecond));
        }
      }
    });
  }
  // How long a task that is ready may be kept waiting by so many others of its weight, whatever they do
  // (docs/scheduling.md).
  static constexpr hal::Ticks longest_wait(unsigned others) { return others * 2 * slice; }
  static constexpr hal::Ticks slice = 5 * millisecond;
};

TEST_F(Fairness, shares_a_cpu_in_proportion_to_weight) {
  std::vector<Job*> guests;
  for (const uint32_t weight : {100U, 200U, 700U}) guests.push_back(&spawn_guest(fair(weight), CpuSet::only(1)));
  const auto share = shares(guests, 10'000 * millisecond);
  EXPECT_NEAR(share[0], 0.1, 0.01);
  EXPECT_NEAR(share[1], 0.2, 0.01);
  EXPECT_NEAR(share[2], 0.7, 0.01);
}

TEST_F(Fairness, keeps_extreme_weights_apart_without_starving_anybody) {
  std::vector<Job*> guests{&spawn_guest(fair(1), CpuSet::only(1)), &spawn_guest(fair(10000), CpuSet::only(1))};
  const auto share = shares(guests, 200'000 * millisecond);
  EXPECT_GT(share[0], 0.00005);
  EXPECT_LT(share[0], 0.001);
}

TEST_F(Fairness, ends_a_slice_only_when_somebody_waits) {
  spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(100 * millisecond);
  const auto alone = machine().counts(1).timer_interrupts;
  machine().run_for(1000 * millisecond);
  EXPECT_EQ(machine().counts(1).timer_interrupts, alone);
  spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(1000 * millisecond);
  // 5 ms slices.
  EXPECT_NEAR(static_cast<double>(machine().counts(1).timer_interrupts - alone), 200, 10);
}

TEST_F(Fairness, honours_a_slice_of_the_tasks_own) {
  spawn_guest(fair(100, 20 * millisecond), CpuSet::only(1));
  spawn_guest(fair(100, 20 * millisecond), CpuSet::only(1));
  const auto before = machine().counts(1).timer_interrupts;
  machine().run_for(1000 * millisecond);
  EXPECT_NEAR(static_cast<double>(machine().counts(1).timer_interrupts - before), 50, 5);
}

TEST_F(Fairness, shares_two_cpus_among_four_vcpus) {
  std::vector<Job*> guests;
  for (int i = 0; i < 4; ++i) guests.push_back(&spawn_guest(fair(), CpuSet(0b0011)));
  for (const double share : shares(guests, 4000 * millisecond)) EXPECT_NEAR(share, 0.5, 0.02);
}

TEST_F(Fairness, shares_two_cpus_among_three_vcpus) {
  std::vector<Job*> guests;
  for (int i = 0; i < 3; ++i) guests.push_back(&spawn_guest(fair(), CpuSet(0b0011)));
  for (const double share : shares(guests, 10'000 * millisecond)) EXPECT_NEAR(share, 2.0 / 3, 0.03);
}

TEST_F(Fairness, moves_waiting_tasks_to_cpus_that_fall_idle) {
  // Two hogs of CPU 1 end at different times; whoever waits there must not wait while others sleep.
  std::vector<Job*> guests;
  task::WaitQueue queue;
  bool released = false;
  spawn("blocker", fixed(20), CpuSet::only(2), [&] {
    while (!released) run_guest_for(millisecond);
  });
  for (int i = 0; i < 2; ++i) guests.push_back(&spawn_guest(fair(), CpuSet(0b0110)));
  machine().run_for(100 * millisecond);
  released = true;
  machine().run_for(20 * millisecond);
  for (const double share : shares(guests, 500 * millisecond)) EXPECT_NEAR(share, 1.0, 0.02);
}

TEST_F(Fairness, pulls_a_waiting_fixed_task_to_a_cpu_that_falls_idle) {
  bool released = false;
  spawn("blocker", fixed(20), CpuSet::only(2), [&] {
    while (!released) run_guest_for(millisecond);
  });
  Job& a = spawn_guest(fixed(5), CpuSet::only(1));
  machine().run_for(millisecond);
  Job& b = spawn_guest(fixed(5), CpuSet(0b0110));
  machine().run_for(50 * millisecond);
  EXPECT_EQ(run_time(b), 0U);
  released = true;
  const auto share = shares({&a, &b}, 100 * millisecond);
  EXPECT_GT(share[0], 0.98);
  EXPECT_GT(share[1], 0.9);
}

TEST_F(Fairness, lets_a_task_that_slept_in_soon_but_not_for_long) {
  // One guest computes, the other handles an event of 100 us every 10 ms.
  Job& hog = spawn_guest(fair(), CpuSet::only(1));
  hal::Ticks worst = 0;
  Job& light = spawn("light", fair(), CpuSet::only(1), [&] {
    hal::Ticks next = hal::Timer::now();
    while (!stopping) {
      next += 10 * millisecond;
      task::sleep_until(next);
      worst = std::max(worst, hal::Timer::now() - next);
      run_guest_for(millisecond / 10);
    }
  });
  machine().run_for(50 * millisecond);
  worst = 0;
  const auto share = shares({&hog, &light}, 1000 * millisecond);
  finish();
  EXPECT_LE(worst, millisecond / 10);
  EXPECT_NEAR(share[0], 0.99, 0.01);
  EXPECT_NEAR(share[1], 0.01, 0.005);
}

TEST_F(Fairness, gives_no_more_than_its_share_to_a_task_that_sleeps_often) {
  Job& hog = spawn_guest(fair(), CpuSet::only(1));
  Job& sleeper = spawn("sleeper", fair(), CpuSet::only(1), [&] {
    while (!stopping) {
      task::sleep_until(hal::Timer::now() + millisecond / 10);
      run_guest_for(4 * millisecond);
    }
  });
  const auto share = shares({&hog, &sleeper}, 5000 * millisecond);
  EXPECT_GT(share[0], 0.45);
  EXPECT_GT(share[1], 0.40);
}

TEST_F(Fairness, does_not_make_a_task_pay_for_the_time_it_was_alone) {
  Job& first = spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(1000 * millisecond);
  Job& second = spawn_guest(fair(), CpuSet::only(1));
  for (const double share : shares({&first, &second}, 100 * millisecond)) EXPECT_NEAR(share, 0.5, 0.06);
}

TEST_F(Fairness, lets_nobody_save_up_time_by_sleeping) {
  for (const unsigned sleepers : {1U, 4U, 8U}) {
    stopping = false;
    hal::Ticks longest = 0;
    Job& neighbour = spawn_watched(fair(), CpuSet::only(1), longest);
    for (unsigned i = 0; i < sleepers; ++i) {
      spawn_sleeper(
          fair(), CpuSet::only(1), [] { return 5000 * millisecond; }, [] { return 20'000 * millisecond; });
    }
    machine().run_for(5000 * millisecond);
    const auto share = shares({&neighbour}, 2000 * millisecond);
    EXPECT_NEAR(share[0], 1.0 / (sleepers + 1), 0.02) << sleepers;
    EXPECT_LE(longest, longest_wait(sleepers)) << sleepers;
    finish();
  }
}

TEST_F(Fairness, lets_nobody_save_up_time_by_sleeping_where_others_wake_it_from_other_cpus) {
  hal::Ticks longest = 0;
  bool awake = false;
  task::WaitQueue queue;
  Job& neighbour = spawn_watched(fair(), CpuSet(0b0110), longest);
  Job& other = spawn_watched(fair(), CpuSet(0b0110), longest);
  for (int i = 0; i < 8; ++i) {
    spawn("sleeper", fair(), CpuSet(0b0110), [&] {
      queue.wait([&] { return awake; });
      while (!stopping) run_guest_for(100 * millisecond);
    });
  }
  machine().run_for(5000 * millisecond);
  longest = 0;
  awake = true;
  machine().on_cpu(3, [&] { queue.wake_all(); });
  for (const double share : shares({&neighbour, &other}, 2000 * millisecond)) EXPECT_NEAR(share, 0.2, 0.03);
  EXPECT_LE(longest, longest_wait(8));
  finish();
}

// While some sleep the others have the CPU: who computes all the time must not wait for all of them to be awake.
TEST_F(Fairness, gives_tasks_that_sleep_in_turn_no_more_than_their_share) {
  constexpr unsigned sleepers = 7;
  hal::Ticks longest = 0;
  Job& neighbour = spawn_watched(fair(), CpuSet::only(1), longest);
  for (unsigned i = 0; i < sleepers; ++i) {
    spawn_sleeper(
        fair(), CpuSet::only(1), [] { return 15 * millisecond; }, [] { return slice / 2; });
  }
  machine().run_for(500 * millisecond);
  longest = 0;
  const auto share = shares({&neighbour}, 5000 * millisecond);
  EXPECT_GE(share[0], 1.0 / (sleepers + 1) - 0.01);
  EXPECT_LE(longest, longest_wait(sleepers));
  finish();
}

TEST_F(Fairness, keeps_its_bound_under_random_sleeps_bursts_suspends_and_resets) {
  std::mt19937 random(8);
  for (int round = 0; round < 12; ++round) {
    stopping = false;
    const auto others = static_cast<unsigned>(1 + random() % 7);
    hal::Ticks longest = 0;
    Job& neighbour = spawn_watched(fair(), CpuSet::only(1), longest);
    task::WaitQueue gate;
    std::vector<char> closed(others, 0);
    std::vector<Job*> guests;
    for (unsigned i = 0; i < others; ++i) {
      // Up to a tenth of a millisecond, ten or a second; mostly the same for one guest.
      const auto some = [](std::mt19937& own) {
        constexpr std::array ranges{millisecond / 10, 10 * millisecond, 1000 * millisecond};
        return 1 + own() % ranges[own() % ranges.size()];
      };
      guests.push_back(&spawn("guest", fair(), CpuSet::only(1), [&, i, some, own = std::mt19937(random())]() mutable {
        while (!stopping) {
          gate.wait([&] { return closed[i] == 0 || stopping; });
          if (own() % 4 != 0) task::sleep_until(hal::Timer::now() + some(own));
          hal::Ticks used = 0;
          for (const hal::Ticks wanted = some(own); used < wanted && !stopping;) {
            if (task::resched_needed()) task::reschedule();
            if (closed[i] != 0) break;
            used += fake::run_guest(wanted - used);
          }
        }
      }));
    }
    for (int second = 0; second < 10; ++second) {
      const hal::Ticks before = run_time(neighbour);
      for (int step = 0; step < 20; ++step) {
        machine().run_for(50 * millisecond);
        const auto i = static_cast<unsigned>(random() % others);
        machine().on_cpu(static_cast<hal::CpuIndex>(random() % fake_cpus), [&] {
          const bool reset = random() % 2 == 0;
          if (closed[i] == 0) {
            closed[i] = 1;
            task::promote(*guests[i]->task);
          }
          if (!reset) return;
          task::demote(*guests[i]->task);
          closed[i] = 0;
          gate.wake_all();
        });
      }
      EXPECT_GE(run_time(neighbour) - before, 1000 * millisecond / (others + 1) - longest_wait(others)) << round;
    }
    EXPECT_LE(longest, longest_wait(others)) << round << ": " << others;
    stopping = true;
    machine().on_cpu(0, [&] { gate.wake_all(); });
    finish();
  }
}

}  // namespace
