// SPDX-License-Identifier: Apache-2.0
#include "task/wait_queue.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "world.hpp"

namespace {

class WaitQueue : public World {
 protected:
  task::WaitQueue queue;
};

TEST_F(WaitQueue, does_not_wait_for_what_is_true) {
  bool done = false;
  spawn("waiter", fair(), task::CpuSet::all(), [&] {
    queue.wait([] { return true; });
    done = true;
  });
  machine().run_for(1);
  EXPECT_TRUE(done);
}

TEST_F(WaitQueue, blocks_until_the_condition_holds) {
  bool ready = false;
  bool done = false;
  Job& waiter = spawn("waiter", fair(), task::CpuSet::all(), [&] {
    queue.wait([&] { return ready; });
    done = true;
  });
  machine().run_for(millisecond);
  EXPECT_EQ(waiter.task->state(), task::TaskState::blocked);
  machine().on_cpu(2, [&] { EXPECT_TRUE(queue.wake_one()); });
  machine().run_for(millisecond);
  EXPECT_FALSE(done);
  EXPECT_EQ(queue.waiting(), 1U);
  ready = true;
  machine().on_cpu(3, [&] { EXPECT_TRUE(queue.wake_one()); });
  machine().run_for(1);
  EXPECT_TRUE(done);
  machine().on_cpu(3, [&] { EXPECT_FALSE(queue.wake_one()); });
}

TEST_F(WaitQueue, wakes_exactly_one_task_in_the_order_of_arrival) {
  int tickets = 0;
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) {
    spawn("waiter", fair(), task::CpuSet::all(), [&, i] {
      queue.wait([&] { return tickets > 0; });
      --tickets;
      order.push_back(i);
    });
    machine().run_for(1);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(queue.waiting(), 4U - static_cast<unsigned>(i));
    tickets = 1;
    machine().on_cpu(0, [&] { EXPECT_TRUE(queue.wake_one()); });
    machine().run_for(1);
    EXPECT_EQ(order.size(), static_cast<size_t>(i) + 1);
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST_F(WaitQueue, disturbs_only_the_cpu_of_the_task_it_wakes) {
  bool ready = false;
  for (hal::CpuIndex cpu = 1; cpu < fake_cpus; ++cpu) {
    spawn("waiter", fair(), task::CpuSet::only(cpu), [&] { queue.wait([&] { return ready; }); });
    machine().run_for(1);
  }
  std::vector<uint64_t> before;
  for (hal::CpuIndex cpu = 0; cpu < fake_cpus; ++cpu) before.push_back(machine().counts(cpu).ipis);
  ready = true;
  machine().on_cpu(0, [&] { queue.wake_one(); });
  machine().run_for(millisecond);
  EXPECT_EQ(machine().counts(1).ipis, before[1] + 1);
  EXPECT_EQ(machine().counts(2).ipis, before[2]);
  EXPECT_EQ(machine().counts(3).ipis, before[3]);
  machine().on_cpu(0, [&] { EXPECT_EQ(queue.wake_all(), 2U); });
  finish();
}

TEST_F(WaitQueue, wakes_a_task_on_an_idle_cpu_without_a_context_switch) {
  bool ready = false;
  spawn("waiter", fair(), task::CpuSet::only(1), [&] {
    queue.wait([&] { return ready; });
    task::sleep_until(machine().now() + 1);
  });
  machine().run_for(millisecond);
  const uint64_t switches = fake::SimulatedMachine::context_switches();
  ready = true;
  machine().on_cpu(0, [&] { queue.wake_one(); });
  machine().run_for(0);
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(fake::SimulatedMachine::context_switches(), switches);
  finish();
}

TEST_F(WaitQueue, does_not_call_a_waiting_task_current) {
  bool ready = false;
  Job& waiter = spawn("waiter", fair(), task::CpuSet::only(1), [&] { queue.wait([&] { return ready; }); });
  machine().run_for(millisecond);
  EXPECT_TRUE(waiter.task->is_on_cpu());
  machine().on_cpu(1, [&] {
    EXPECT_NE(&task::current(), waiter.task);
    ready = true;
    EXPECT_TRUE(queue.wake_one());
  });
  machine().run_for(1);
  EXPECT_EQ(waiter.task->state(), task::TaskState::finished);
}

TEST_F(WaitQueue, wakes_everybody_once) {
  int woken = 0;
  bool ready = false;
  for (int i = 0; i < 7; ++i) {
    spawn("waiter", fair(), task::CpuSet::all(), [&] {
      queue.wait([&] { return ready; });
      ++woken;
    });
  }
  machine().run_for(millisecond);
  machine().on_cpu(0, [&] { EXPECT_EQ(queue.wake_all(), 7U); });
  machine().run_for(millisecond);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(queue.waiting(), 7U);
  ready = true;
  machine().on_cpu(0, [&] { EXPECT_EQ(queue.wake_all(), 7U); });
  machine().run_for(millisecond);
  EXPECT_EQ(woken, 7);
}

TEST_F(WaitQueue, wakes_the_task_that_is_meant) {
  int turn = -1;
  std::vector<Job*> waiters;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(&spawn("waiter", fair(), task::CpuSet::all(), [&, i] {
      queue.wait([&, i] { return turn == i; });
      order.push_back(i);
    }));
  }
  machine().run_for(1);
  for (const int next : {2, 0, 1}) {
    turn = next;
    task::Task& meant = *waiters[static_cast<size_t>(next)]->task;
    machine().on_cpu(0, [&] {
      EXPECT_TRUE(queue.wake(meant));
      EXPECT_FALSE(queue.wake(meant));
    });
    machine().run_for(1);
  }
  EXPECT_EQ(order, (std::vector<int>{2, 0, 1}));
}

TEST_F(WaitQueue, gives_up_at_the_deadline) {
  bool met = true;
  hal::Ticks woke = 0;
  const hal::Ticks due = machine().now() + 5 * millisecond;
  spawn("waiter", fair(), task::CpuSet::all(), [&] {
    met = queue.wait_until(due, [] { return false; });
    woke = hal::Timer::now();
  });
  machine().run_for(millisecond);
  machine().on_cpu(1, [&] { queue.wake_one(); });
  machine().run_for(10 * millisecond);
  EXPECT_FALSE(met);
  EXPECT_EQ(woke, due);
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST_F(WaitQueue, reports_what_came_true_before_the_deadline) {
  bool ready = false;
  bool met = false;
  spawn("waiter", fair(), task::CpuSet::all(),
        [&] { met = queue.wait_until(machine().now() + 50 * millisecond, [&] { return ready; }); });
  machine().run_for(millisecond);
  ready = true;
  machine().on_cpu(1, [&] { queue.wake_one(); });
  machine().run_for(millisecond);
  EXPECT_TRUE(met);
  machine().run_for(100 * millisecond);
}

// Producers and consumers on all CPUs, with sleeps, yields and timeouts: every item is taken once and nobody waits for
// ever.
TEST_F(WaitQueue, loses_no_wake_up_under_random_use) {
  std::mt19937 random(9);
  int items = 0;
  int produced = 0;
  int consumed = 0;
  constexpr int total = 2000;
  for (int i = 0; i < 6; ++i) {
    spawn("consumer " + std::to_string(i), fair(), task::CpuSet(1 + random() % 15), [&, i] {
      while (true) {
        const auto can_go = [&] { return items > 0 || (produced == total && items == 0); };
        if (i % 2 == 0) {
          queue.wait(can_go);
        } else if (!queue.wait_until(hal::Timer::now() + random() % (2 * millisecond), can_go)) {
          continue;
        }
        if (items == 0) break;
        --items;
        ++consumed;
        if (random() % 3 == 0) run_guest_for(random() % millisecond);
      }
    });
  }
  for (int i = 0; i < 3; ++i) {
    spawn("producer " + std::to_string(i), i == 0 ? fixed(3) : fair(), task::CpuSet(1 + random() % 15), [&] {
      while (produced < total) {
        ++produced;
        ++items;
        if (produced == total) {
          queue.wake_all();
        } else {
          queue.wake_one();
        }
        switch (random() % 4) {
          case 0: task::yield(); break;
          case 1: task::sleep_until(hal::Timer::now() + random() % millisecond); break;
          case 2: run_guest_for(random() % millisecond); break;
          default: break;
        }
      }
      queue.wake_all();
    });
  }
  // At times everybody sleeps until a deadline: quiet is not the end yet.
  for (int round = 0; round < 200 && !(consumed == total && machine().is_quiet()); ++round) {
    machine().run_for(50 * millisecond);
  }
  EXPECT_TRUE(machine().is_quiet());
  EXPECT_EQ(produced, total);
  EXPECT_EQ(consumed, total);
}

}  // namespace
