// SPDX-License-Identifier: Apache-2.0
// Tasks that run as services for a while, and back.
#include <gtest/gtest.h>

#include <algorithm>

#include "task/scheduler.hpp"
#include "task/wait_queue.hpp"
#include "world.hpp"

namespace {

using task::CpuSet;

class Promotion : public World {
 protected:
  // What a guest's task does for it in the hypervisor, such as zeroing its memory: nothing interrupts a piece.
  static void work_for(hal::Ticks ticks) {
    while (ticks != 0) ticks -= fake::run_guest(ticks);
  }
  // A manager that loads a guest as the guest itself (Vm::load_as_guest()), again and again.
  Job& spawn_loader(task::Scheduling scheduling, CpuSet cpus, hal::Ticks load) {
    Job& job = spawn("loader", scheduling, cpus, [this, load] {
      while (!stopping) {
        task::Task& self = task::current();
        task::demote(self);
        for (hal::Ticks done = 0; done < load && !stopping; done += piece) {
          task::make_way();
          work_for(piece);
        }
        task::promote(self);
        task::make_way();
        task::sleep_until(hal::Timer::now() + millisecond / 10);
      }
    });
    machine().on_cpu(0, [&] { task::promote(*job.task); });
    return job;
  }
  static constexpr hal::Ticks piece = millisecond / 10;
};

// A vCPU that is to park waits for its CPU behind a guest that never lets it in.
TEST_F(Promotion, lets_a_promoted_task_in_before_every_guest) {
  task::WaitQueue queue;
  bool go = false;
  unsigned rounds = 0;
  spawn_guest(fixed(31), CpuSet::only(1));
  machine().run_for(millisecond);
  Job& late = spawn("late", fair(), CpuSet::only(1), [&] {
    while (!stopping) {
      run_guest_for(millisecond);
      ++rounds;
      queue.wait([&] { return go || stopping; });
      go = false;
    }
  });
  const auto after = [&](hal::Ticks ticks) {
    machine().run_for(ticks);
    return rounds;
  };
  const auto wake = [&] {
    machine().on_cpu(0, [&] {
      go = true;
      queue.wake_all();
    });
  };
  EXPECT_EQ(after(50 * millisecond), 0U);
  machine().on_cpu(0, [&] { task::promote(*late.task); });
  EXPECT_EQ(after(2 * millisecond), 1U) << "while it was queued";
  wake();
  EXPECT_EQ(after(2 * millisecond), 2U) << "from its sleep";
  machine().on_cpu(0, [&] { task::demote(*late.task); });
  wake();
  EXPECT_EQ(after(50 * millisecond), 2U);
  machine().on_cpu(0, [&] { task::promote(*late.task); });
  EXPECT_EQ(after(2 * millisecond), 3U);
  stopping = true;
  wake();
  finish();
}

TEST_F(Promotion, gives_a_task_that_was_promoted_no_more_than_its_share_afterwards) {
  bool rests = false;
  Job& other = spawn_guest(fair(), CpuSet::only(1));
  Job& job = spawn("job", fair(), CpuSet::only(1), [&] {
    while (!stopping) {
      run_guest_for(millisecond);
      if (rests) task::sleep_until(hal::Timer::now() + millisecond);
    }
  });
  for (int i = 0; i < 20; ++i) {
    rests = true;
    machine().on_cpu(0, [&] { task::promote(*job.task); });
    machine().run_for(10 * millisecond);
    machine().on_cpu(0, [&] { task::demote(*job.task); });
    rests = false;
    machine().run_for(7 * millisecond);
  }
  for (const double share : shares({&other, &job}, 1000 * millisecond)) EXPECT_NEAR(share, 0.5, 0.02);
  finish();
}

// It saw that its gate was open again before it had parked.
TEST_F(Promotion, takes_a_demoted_task_out_of_the_services_while_it_runs) {
  Job& job = spawn_guest(fair(), CpuSet::only(1));
  machine().run_for(millisecond);
  Job& other = spawn_guest(fair(), CpuSet::only(1));
  machine().on_cpu(0, [&] { task::promote(*job.task); });
  EXPECT_NEAR(shares({&job}, 100 * millisecond)[0], 1, 0.06);
  machine().on_cpu(0, [&] { task::demote(*job.task); });
  for (const double share : shares({&other, &job}, 1000 * millisecond)) EXPECT_NEAR(share, 0.5, 0.02);
}

// --- long work as a guest --------------------------------------------------------------------------------------------

TEST_F(Promotion, loads_beside_an_equal_guest_at_its_share) {
  Job& neighbour = spawn_guest(fair(), CpuSet::only(1));
  Job& loader = spawn_loader(fair(), CpuSet::only(1), 1000 * millisecond);
  machine().run_for(100 * millisecond);
  for (const double share : shares({&neighbour, &loader}, 10'000 * millisecond)) EXPECT_NEAR(share, 0.5, 0.01);
}

TEST_F(Promotion, loads_by_weight) {
  Job& neighbour = spawn_guest(fair(300), CpuSet::only(1));
  spawn_loader(fair(100), CpuSet::only(1), 50 * millisecond);
  EXPECT_NEAR(shares({&neighbour}, 10'000 * millisecond)[0], 0.75, 0.02);
}

TEST_F(Promotion, delays_a_better_guest_by_no_more_than_a_piece_of_a_load) {
  hal::Ticks worst = 0;
  spawn("better", fixed(31), CpuSet::only(1), [&] {
    for (hal::Ticks next = hal::Timer::now(); !stopping; run_guest_for(millisecond / 10)) {
      next += 3 * millisecond + 12'345;
      task::sleep_until(next);
      worst = std::max(worst, hal::Timer::now() - next);
    }
  });
  Job& loader = spawn_loader(fair(), CpuSet::only(1), 1000 * millisecond);
  EXPECT_GT(shares({&loader}, 5000 * millisecond)[0], 0.9);
  EXPECT_GT(worst, 0U) << "nothing was loaded meanwhile";
  EXPECT_LE(worst, piece);
  finish();
}

TEST_F(Promotion, takes_nothing_from_a_guest_of_a_better_class_that_never_waits) {
  Job& better = spawn_guest(fixed(31), CpuSet::only(1));
  machine().run_for(millisecond);
  Job& loader = spawn_loader(fair(), CpuSet::only(1), 1000 * millisecond);
  machine().run_for(millisecond);
  const auto share = shares({&better, &loader}, 1000 * millisecond);
  EXPECT_EQ(share[0], 1.0);
  EXPECT_EQ(share[1], 0.0);
}

TEST_F(Promotion, keeps_the_cpu_of_a_load_until_its_slice_ends) {
  spawn_guest(fair(), CpuSet::only(1));
  Job& loader = spawn_loader(fair(), CpuSet::only(1), 10'000 * millisecond);
  machine().run_for(100 * millisecond);
  const auto before = loader.task->times().switches;
  machine().run_for(1000 * millisecond);
  EXPECT_NEAR(static_cast<double>(loader.task->times().switches - before), 100, 5) << "slices of 5 ms in turn";
}

TEST_F(Promotion, lets_services_in_between_the_pieces_of_a_load) {
  hal::Ticks worst = 0;
  for (const task::Scheduling scheduling : {fair(), fixed(31), service()}) {
    stopping = false;
    worst = 0;
    spawn_loader(scheduling, CpuSet::only(1), 1000 * millisecond);
    spawn("shell", service(), CpuSet::only(1), [&] {
      for (int i = 0; i < 50; ++i) {
        const hal::Ticks next = hal::Timer::now() + 3 * millisecond + 12'345;
        task::sleep_until(next);
        worst = std::max(worst, hal::Timer::now() - next);
      }
    });
    machine().run_for(500 * millisecond);
    EXPECT_GT(worst, 0U);
    EXPECT_LE(worst, piece);
    finish();
  }
}

}  // namespace
