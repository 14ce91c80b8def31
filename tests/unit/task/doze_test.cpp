// SPDX-License-Identifier: Apache-2.0
// The short way to wait: a task sleeps as the one that runs, and is interrupted rather than woken.
#include <atomic>

#include "task/wait_queue.hpp"
#include "world.hpp"

namespace {

constexpr hal::CpuIndex place = 2;
const task::CpuSet only = task::CpuSet::only(place);

class Doze : public World {
 protected:
  // As a vCPU's WFI: the short way, or the queue.
  void wait() {
    if (task::doze(word)) {
      ++short_waits;
    } else {
      queue.wait([this] { return word.load() != 0; });
    }
    word = 0;
  }
  void tell(const Job& job) {
    machine().on_cpu(0, [&] {
      word = 1;
      if (!queue.wake_one()) task::interrupt(*job.task);
    });
  }
  static hal::Ticks idle_time() { return task::cpu(place)->idle_time(); }

  std::atomic<uint32_t> word{0};
  task::WaitQueue queue;
  unsigned short_waits = 0;
};

TEST_F(Doze, lasts_until_the_task_is_interrupted_without_a_switch) {
  const Job& job = spawn("sleeper", fair(), only, [this] { wait(); });
  machine().run_for(millisecond);
  EXPECT_TRUE(task::cpu(place)->is_idle());
  EXPECT_TRUE(job.task->is_dozing());
  const uint64_t switches = fake::SimulatedMachine::context_switches();
  const uint64_t ipis = machine().counts(place).ipis;
  tell(job);
  machine().run_for(millisecond);
  EXPECT_EQ(short_waits, 1U);
  EXPECT_EQ(machine().counts(place).ipis, ipis + 1);
  EXPECT_EQ(job.task->state(), task::TaskState::finished);
  EXPECT_LE(fake::SimulatedMachine::context_switches(), switches + 1) << "only the one that its end brings";
}

TEST_F(Doze, does_not_begin_when_the_word_is_set_already) {
  word = 1;
  spawn("sleeper", fair(), only, [this] { wait(); });
  machine().run_for(millisecond);
  EXPECT_EQ(short_waits, 1U);
}

TEST_F(Doze, is_idle_time_and_not_run_time_also_while_it_lasts) {
  const Job& job = spawn("sleeper", fair(), only, [this] { wait(); });
  machine().run_for(millisecond);
  const hal::Ticks before = idle_time();
  machine().run_for(100 * millisecond);
  EXPECT_LT(run_time(job), millisecond);
  tell(job);
  machine().run_for(millisecond);
  EXPECT_LT(run_time(job), millisecond);
  EXPECT_GE(idle_time() - before, 100 * millisecond);
}

TEST_F(Doze, makes_way_for_a_task_that_is_put_on_its_cpu) {
  const Job& sleeper = spawn("sleeper", fair(), only, [this] { wait(); });
  machine().run_for(millisecond);
  Job& guest = spawn_guest(fair(), only);
  machine().run_for(10 * millisecond);
  EXPECT_EQ(sleeper.task->state(), task::TaskState::blocked);
  EXPECT_GT(run_time(guest), 9 * millisecond);
  EXPECT_FALSE(task::cpu(place)->is_idle());
  tell(sleeper);
  machine().run_for(10 * millisecond);
  EXPECT_EQ(sleeper.task->state(), task::TaskState::finished);
  EXPECT_EQ(short_waits, 0U);
}

TEST_F(Doze, is_where_a_task_that_may_go_anywhere_is_put_first) {
  for (const hal::CpuIndex busy : {0U, 1U, 3U}) spawn_guest(fair(), task::CpuSet::only(busy));
  spawn("sleeper", fair(), only, [this] { wait(); });
  machine().run_for(millisecond);
  const Job& guest = spawn_guest(fair(), task::CpuSet::all());
  machine().run_for(millisecond);
  EXPECT_EQ(guest.task->cpu(), place);
  word = 1;
  machine().on_cpu(0, [this] { (void)queue.wake_one(); });
}

TEST_F(Doze, saves_up_no_time_and_owes_none) {
  Job& sleeper = spawn("sleeper", fair(), only, [this] {
    wait();
    while (!stopping) run_guest_for(millisecond);
  });
  machine().run_for(2000 * millisecond);
  tell(sleeper);
  machine().run_for(500 * millisecond);
  Job& neighbour = spawn_guest(fair(), only);
  machine().run_for(millisecond);
  const std::vector<double> share = shares({&sleeper, &neighbour}, 100 * millisecond);
  EXPECT_NEAR(share[0], 0.5, 0.06);
  EXPECT_NEAR(share[1], 0.5, 0.06);
}

}  // namespace
