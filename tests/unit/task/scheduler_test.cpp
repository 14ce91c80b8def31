// SPDX-License-Identifier: Apache-2.0
#include "task/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "task/wait_queue.hpp"
#include "world.hpp"

namespace {

using task::CpuSet;
using task::TaskError;
using task::TaskState;

class Scheduler : public World {};

TEST_F(Scheduler, runs_a_task_to_its_end) {
  int steps = 0;
  Job& job = spawn("job", fair(), CpuSet::all(), [&] {
    ++steps;
    task::yield();
    ++steps;
  });
  machine().run_for(1);
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(job.task->state(), TaskState::finished);
  EXPECT_FALSE(job.task->is_on_cpu());
}

TEST_F(Scheduler, joins_from_another_task_and_frees_everything) {
  const uint64_t tasks = task::task_count();
  bool joined = false;
  spawn("parent", fair(), CpuSet::all(), [&] {
    for (int i = 0; i < 20; ++i) {
      task::Task* const child = task::spawn({.name = "child",
                                             .entry = [](void*) { task::sleep_until(hal::Timer::now() + millisecond); },
                                             .cpus = CpuSet(0b1110),
                                             .stack_size = 4096})
                                    .value();
      task::join(*child);
    }
    joined = true;
  });
  machine().run_for(50 * millisecond);
  EXPECT_TRUE(joined);
  EXPECT_EQ(task::task_count(), tasks + 1);
}

TEST_F(Scheduler, cuts_long_names) {
  Job& job = spawn("short", fair(), CpuSet::all(), [] {});
  EXPECT_EQ(job.task->name(), "job");
  task::Task* named = nullptr;
  machine().on_cpu(0, [&] {
    named = task::spawn({.name = "a name that is much longer than a task keeps", .entry = [](void*) {}}).value();
  });
  EXPECT_EQ(named->name(), "a name that is much longer than");
  machine().run_for(1);
  machine().on_cpu(0, [&] { task::join(*named); });
}

TEST_F(Scheduler, spreads_tasks_over_idle_cpus) {
  for (unsigned i = 0; i < fake_cpus; ++i) spawn_guest(fair(), CpuSet::all());
  machine().run_for(10 * millisecond);
  CpuSet used;
  for (const auto& job : jobs) used.add(job->task->cpu());
  EXPECT_EQ(used.count(), fake_cpus);
  for (const auto& job : jobs) EXPECT_EQ(job->task->times().migrations, 0U);
}

TEST_F(Scheduler, keeps_a_task_on_the_cpus_of_its_set) {
  for (int i = 0; i < 6; ++i) spawn_guest(fair(), CpuSet(0b0110));
  for (int i = 0; i < 200; ++i) {
    machine().run_for(3 * millisecond);
    for (const auto& job : jobs) ASSERT_TRUE(CpuSet(0b0110).contains(job->task->cpu()));
  }
}

TEST_F(Scheduler, prefers_the_last_cpu_when_it_is_idle) {
  task::WaitQueue queue;
  int rounds = 0;
  CpuSet used;
  spawn("waiter", fair(), CpuSet::all(), [&] {
    while (rounds < 20) {
      const int before = rounds;
      queue.wait([&] { return rounds > before; });
      used.add(task::this_cpu().number());
    }
  });
  for (hal::CpuIndex i = 0; i < 20; ++i) {
    machine().run_for(millisecond);
    ++rounds;
    machine().on_cpu(i % fake_cpus, [&] { queue.wake_one(); });
  }
  machine().run_for(1);
  EXPECT_EQ(used.count(), 1U);
}

TEST_F(Scheduler, goes_to_an_idle_cpu_when_the_last_one_is_busy) {
  task::WaitQueue queue;
  bool ready = false;
  hal::CpuIndex first = 0;
  hal::CpuIndex second = 0;
  spawn("waiter", fair(), CpuSet::all(), [&] {
    first = task::this_cpu().number();
    queue.wait([&] { return ready; });
    second = task::this_cpu().number();
  });
  machine().run_for(1);
  spawn_guest(fixed(9), CpuSet::only(first));
  machine().run_for(1);
  ready = true;
  machine().on_cpu(first, [&] { queue.wake_one(); });
  machine().run_for(1);
  EXPECT_NE(first, second);
}

// --- fixed and dedicated ---------------------------------------------------------------------------------------------

TEST_F(Scheduler, runs_the_highest_priority_until_it_blocks) {
  Job& low = spawn_guest(fixed(1), CpuSet::only(1));
  machine().run_for(10 * millisecond);
  EXPECT_GT(run_time(low) + 1, 0U);
  hal::Ticks used = 0;
  Job& high = spawn("high", fixed(2), CpuSet::only(1), [&] {
    while (used < 50 * millisecond) {
      if (task::resched_needed()) task::reschedule();
      used += fake::run_guest(50 * millisecond - used);
    }
  });
  machine().run_for(0);
  EXPECT_EQ(high.task->state(), TaskState::running);
  const auto share = shares({&low}, 50 * millisecond);
  EXPECT_LT(share[0], 0.01);
  machine().run_for(1);
  EXPECT_EQ(high.task->state(), TaskState::finished);
  EXPECT_EQ(low.task->state(), TaskState::running);
}

TEST_F(Scheduler, serves_equal_priorities_first_come_first_served) {
  std::vector<int> order;
  spawn_guest(fixed(9), CpuSet::only(1));
  machine().run_for(1);
  for (int i = 0; i < 4; ++i) {
    spawn("equal", fixed(5), CpuSet::only(1), [&, i] { order.push_back(i); });
  }
  spawn("higher", fixed(6), CpuSet::only(1), [&] { order.push_back(99); });
  machine().run_for(millisecond);
  EXPECT_TRUE(order.empty());
  stopping = true;
  machine().run_for(200 * millisecond);
  EXPECT_EQ(order, (std::vector<int>{99, 0, 1, 2, 3}));
}

TEST_F(Scheduler, puts_fixed_before_fair) {
  Job& slow = spawn_guest(fair(10000), CpuSet::only(1));
  Job& fast = spawn_guest(fixed(0), CpuSet::only(1));
  const auto share = shares({&slow, &fast}, 1000 * millisecond);
  EXPECT_LT(share[0], 0.001);
}

TEST_F(Scheduler, never_ticks_on_a_dedicated_cpu) {
  Job& owner = spawn_guest(dedicated(), CpuSet(0b1000));
  for (int i = 0; i < 9; ++i) spawn_guest(fair(), CpuSet::all());
  machine().run_for(10 * millisecond);
  const auto timers = machine().counts(3).timer_interrupts;
  const auto ipis = machine().counts(3).ipis;
  machine().run_for(5000 * millisecond);
  EXPECT_EQ(machine().counts(3).timer_interrupts, timers);
  EXPECT_EQ(machine().counts(3).ipis, ipis);
  EXPECT_EQ(owner.task->times().switches, 1U);
  for (const auto& job : jobs) {
    if (job->task != owner.task) EXPECT_NE(job->task->cpu(), 3U);
  }
}

TEST_F(Scheduler, sends_others_away_when_a_cpu_is_dedicated) {
  for (int i = 0; i < 8; ++i) spawn_guest(fair(), CpuSet::all());
  machine().run_for(100 * millisecond);
  Job& owner = spawn_guest(dedicated(), CpuSet::all());
  machine().run_for(20 * millisecond);
  EXPECT_EQ(owner.task->cpu(), 3U);
  EXPECT_EQ(task::cpu(3)->owner(), owner.task);
  std::vector<Job*> others;
  for (const auto& job : jobs) {
    if (job.get() == &owner) continue;
    EXPECT_NE(job->task->cpu(), 3U);
    others.push_back(job.get());
  }
  for (const double share : shares(others, 8000 * millisecond)) EXPECT_NEAR(share, 3.0 / 8, 0.04);
  EXPECT_EQ(owner.task->times().switches, 1U);
}

TEST_F(Scheduler, refuses_what_would_take_the_only_cpu_of_a_task) {
  spawn_guest(fair(), CpuSet::only(2));
  EXPECT_EQ(try_spawn(dedicated(), CpuSet::only(2), [] {}).error(), TaskError::cpu_taken);
  spawn_guest(dedicated(), CpuSet::only(3));
  EXPECT_EQ(try_spawn(dedicated(), CpuSet::only(3), [] {}).error(), TaskError::cpu_taken);
  EXPECT_EQ(try_spawn(fair(), CpuSet::only(3), [] {}).error(), TaskError::cpu_taken);
  EXPECT_EQ(try_spawn(fair(), CpuSet::only(17), [] {}).error(), TaskError::no_cpu);
}

TEST_F(Scheduler, returns_a_dedicated_cpu_with_its_owner) {
  Job& owner = spawn("owner", dedicated(), CpuSet::only(3), [] {});
  machine().run_for(1);
  machine().on_cpu(0, [&] { task::join(*owner.task); });
  jobs.clear();
  EXPECT_EQ(task::cpu(3)->owner(), nullptr);
  spawn_guest(fair(), CpuSet::only(3));
}

TEST_F(Scheduler, lets_services_in_everywhere_but_on_dedicated_cpus_last) {
  Job& owner = spawn_guest(dedicated(), CpuSet::only(3));
  for (int i = 0; i < 3; ++i) spawn_guest(fixed(31), CpuSet(0b0111));
  machine().run_for(millisecond);
  hal::CpuIndex anywhere = 99;
  spawn("shell", service(), CpuSet::all(), [&] { anywhere = task::this_cpu().number(); });
  bool pinned = false;
  spawn("pinned", service(), CpuSet::only(3), [&] { pinned = true; });
  machine().run_for(0);
  EXPECT_LT(anywhere, 3U);
  EXPECT_TRUE(pinned);
  EXPECT_EQ(owner.task->state(), TaskState::running);
}

// --- cooperation -----------------------------------------------------------------------------------------------------

TEST_F(Scheduler, yields_to_equals_and_returns_when_there_are_none) {
  std::vector<char> order;
  const auto turns = [&](char who) {
    for (int i = 0; i < 3; ++i) {
      order.push_back(who);
      task::yield();
    }
  };
  spawn("parent", fixed(4), CpuSet::only(1), [&] {
    Job a{.name = "a", .body = [&] { turns('a'); }, .task = nullptr};
    Job b{.name = "b", .body = [&] { turns('b'); }, .task = nullptr};
    for (Job* job : {&a, &b}) {
      job->task = task::spawn({.name = job->name,
                               .entry = [](void* job_of) { static_cast<Job*>(job_of)->body(); },
                               .argument = job,
                               .scheduling = fixed(3),
                               .cpus = CpuSet::only(1),
                               .stack_size = 4096})
                      .value();
    }
    task::join(*a.task);
    task::join(*b.task);
  });
  machine().run_for(millisecond);
  EXPECT_EQ(order, (std::vector<char>{'a', 'b', 'a', 'b', 'a', 'b'}));
}

TEST_F(Scheduler, calls_the_hooks_around_every_switch) {
  struct Log {
    std::string text;
  } log;
  task::Task* hooked = nullptr;
  machine().on_cpu(0, [&] {
    hooked = task::spawn({.name = "hooked",
                          .entry =
                              [](void* l) {
                                static_cast<Log*>(l)->text += "r";
                                task::sleep_until(hal::Timer::now() + millisecond);
                                static_cast<Log*>(l)->text += "r";
                              },
                          .argument = &log,
                          .scheduling = fixed(1),
                          .cpus = CpuSet::only(1),
                          .hooks = {.out = [](void* l) { static_cast<Log*>(l)->text += "o"; },
                                    .in = [](void* l) { static_cast<Log*>(l)->text += "i"; }}})
                 .value();
  });
  machine().run_for(1);
  spawn("other", fair(), CpuSet::only(1), [] {});
  machine().run_for(5 * millisecond);
  EXPECT_EQ(log.text, "iroiro");
  machine().on_cpu(0, [&] { task::join(*hooked); });
}

TEST_F(Scheduler, makes_a_running_guest_exit_on_request) {
  Job& guest = spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(millisecond);
  const auto exits = machine().counts(1).guest_exits;
  machine().on_cpu(0, [&] { task::interrupt(*guest.task); });
  machine().run_for(1);
  EXPECT_EQ(machine().counts(1).guest_exits, exits + 1);
  EXPECT_EQ(guest.task->times().switches, 1U);
}

TEST_F(Scheduler, accounts_running_and_waiting) {
  Job& a = spawn_guest(fair(), CpuSet::only(1));
  Job& b = spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(1000 * millisecond);
  for (const Job* job : {&a, &b}) {
    task::TaskTimes times;
    machine().on_cpu(0, [&] { times = job->task->times(); });
    EXPECT_NEAR(static_cast<double>(times.run), 5e8, 6e6);
    EXPECT_NEAR(static_cast<double>(times.wait), 5e8, 6e6);
    EXPECT_EQ(times.run + times.wait, 1000 * millisecond);
  }
}

TEST_F(Scheduler, counts_idle_time) {
  const hal::Ticks before = task::cpu(2)->idle_time();
  machine().run_for(100 * millisecond);
  spawn("job", fair(), CpuSet::only(2), [] {});
  machine().run_for(1);
  EXPECT_GE(task::cpu(2)->idle_time() - before, 100 * millisecond);
}

TEST_F(Scheduler, lists_all_tasks) {
  spawn_guest(fair(), CpuSet::all());
  spawn_guest(fixed(3), CpuSet::all());
  unsigned seen = 0;
  task::for_each_task([](const task::Task&, void* count) { ++*static_cast<unsigned*>(count); }, &seen);
  EXPECT_EQ(seen, task::task_count());
}

// Tasks of all classes come, sleep, compute, yield and go at random. Nobody is lost, and no CPU sleeps while somebody
// that could run there waits.
TEST_F(Scheduler, survives_random_loads) {
  std::mt19937 random(13);
  const auto pick = [&](uint64_t below) { return static_cast<uint32_t>(random() % below); };
  for (int round = 0; round < 20; ++round) {
    stopping = false;
    for (uint32_t count = 1 + pick(12); count > 0; --count) {
      task::Scheduling scheduling = fair(1 + pick(1000));
      if (pick(4) == 0) scheduling = fixed(static_cast<uint8_t>(pick(32)));
      if (pick(8) == 0) scheduling = service();
      if (pick(8) == 0) scheduling = dedicated();
      const bool is_service = scheduling.scheduling_class == task::SchedulingClass::service;
      const auto spawned = try_spawn(scheduling, CpuSet(1 + pick(15)), [this, seed = pick(1U << 31), is_service] {
        std::mt19937 own(seed);
        while (!stopping) {
          if (is_service || own() % 4 == 0) task::sleep_until(hal::Timer::now() + own() % (5 * millisecond));
          if (own() % 4 == 0) task::yield();
          run_guest_for(own() % (is_service ? millisecond / 10 : 5 * millisecond));
        }
      });
      if (!spawned.ok()) {
        EXPECT_EQ(spawned.error(), TaskError::cpu_taken);
      }
    }
    for (int step = 0; step < 60; ++step) {
      machine().run_for(1 + pick(10 * millisecond));
      if (!jobs.empty() && pick(4) == 0) {
        task::Task& task = *jobs[pick(jobs.size())]->task;
        machine().on_cpu(pick(fake_cpus), [&] { task.is_promoted() ? task::demote(task) : task::promote(task); });
      }
      for (const auto& job : jobs) {
        if (job->task->state() != TaskState::ready) continue;
        for (const hal::CpuIndex cpu : job->task->cpus() & task::online_cpus()) {
          const task::Cpu& open = *task::cpu(cpu);
          EXPECT_FALSE(open.owner() == nullptr && open.is_idle()) << "round " << round;
        }
      }
    }
    finish();
    EXPECT_TRUE(machine().is_quiet());
  }
}

}  // namespace
