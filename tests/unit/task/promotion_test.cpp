// SPDX-License-Identifier: Apache-2.0
// Tasks that run as services for a while, and back.
#include <gtest/gtest.h>

#include <algorithm>

#include "task/scheduler.hpp"
#include "task/wait_queue.hpp"
#include "world.hpp"

namespace {

using task::CpuSet;

class Promotion : public World {};

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

}  // namespace
