// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <algorithm>
#include <array>

#include "hal/boot_memory.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "mm/host_space.hpp"
#include "task/timer.hpp"

namespace {

// Memory first, then the CPUs, as a kernel would start.
fake::SimulatedMachine* start() {
  arch::Mmu::reset();
  const hal::HostPhysRange all{hal::HostPhys(hal::gib), 256 * hal::mib};
  const std::array ram{all};
  const hal::BootMemory boot{.ram = ram,
                             .usable = ram,
                             .boot_free = {all.start, 2 * hal::mib},
                             .image = all.end(),
                             .text = {},
                             .rodata = {},
                             .data = {},
                             .identity = {}};
  mm::init(boot).value();

  auto* const machine = new fake::SimulatedMachine(fake_cpus, 1);
  for (hal::CpuIndex index = 0; index < fake_cpus; ++index) {
    task::Cpu* const cpu = task::prepare_cpu(index).value();
    machine->start(index, [cpu] {
      task::enter_cpu(*cpu);
      // A boot context may wait before it turns into the CPU's idle stack, also while others come and go.
      for (int i = 0; i < 3; ++i) {
        task::Task* const child = task::spawn({.name = "child", .entry = [](void*) { task::yield(); }}).value();
        task::join(*child);
        task::sleep_until(hal::Timer::now() + 10);
        task::yield();
      }
      task::run();
    });
  }
  machine->run_for(millisecond);
  return machine;
}

}  // namespace

fake::SimulatedMachine& machine() {
  static fake::SimulatedMachine* const the_machine = start();
  return *the_machine;
}

struct World::Before {
  mm::FrameCounts frames = mm::frames().counts();
  mm::HeapCounts heap = mm::heap_counts();
  uint64_t tasks = task::task_count();
};

void World::SetUp() {
  machine().run_for(millisecond);
  before_ = std::make_shared<Before>();
}

void World::TearDown() {
  finish();
  EXPECT_TRUE(machine().is_quiet());
  EXPECT_EQ(task::task_count(), before_->tasks);
  EXPECT_EQ(mm::heap_counts(), before_->heap);
  EXPECT_EQ(mm::frames().counts(), before_->frames);
  for (hal::CpuIndex index = 0; index < fake_cpus; ++index) EXPECT_EQ(task::cpu(index)->load(), 0U) << index;
}

hal::Result<task::Task*, task::TaskError> World::try_spawn(task::Scheduling scheduling, task::CpuSet cpus,
                                                           std::function<void()> body) {
  jobs.push_back(std::make_unique<Job>());
  Job* const job = jobs.back().get();
  job->body = std::move(body);
  task::TaskError error{};
  machine().on_cpu(0, [&] {
    const auto spawned = task::spawn({.name = "job",
                                      .entry = [](void* job_of) { static_cast<Job*>(job_of)->body(); },
                                      .argument = job,
                                      .scheduling = scheduling,
                                      .cpus = cpus,
                                      .stack_size = 4 * hal::kib});
    if (spawned.ok()) {
      job->task = spawned.value();
    } else {
      error = spawned.error();
    }
  });
  if (job->task != nullptr) return job->task;
  jobs.pop_back();
  return hal::fail(error);
}

Job& World::spawn(std::string name, task::Scheduling scheduling, task::CpuSet cpus, std::function<void()> body) {
  (void)try_spawn(scheduling, cpus, std::move(body)).value();
  jobs.back()->name = std::move(name);
  return *jobs.back();
}

void World::run_guest_for(hal::Ticks ticks) {
  if (task::resched_needed()) task::reschedule();
  fake::run_guest(ticks);
}

std::vector<double> World::shares(const std::vector<Job*>& of, hal::Ticks ticks) {
  std::vector<double> before;
  for (const Job* job : of) before.push_back(static_cast<double>(run_time(*job)));
  machine().run_for(ticks);
  std::vector<double> share;
  for (size_t i = 0; i < of.size(); ++i) {
    share.push_back((static_cast<double>(run_time(*of[i])) - before[i]) / static_cast<double>(ticks));
  }
  return share;
}

Job& World::spawn_guest(task::Scheduling scheduling, task::CpuSet cpus) {
  return spawn("guest", scheduling, cpus, [this] {
    while (!stopping) run_guest_for(100 * millisecond);
  });
}

void World::finish() {
  stopping = true;
  const auto is_finished = [](const auto& job) { return job->task->state() == task::TaskState::finished; };
  for (int round = 0; round < 100 && !std::ranges::all_of(jobs, is_finished); ++round) {
    machine().run_for(200 * millisecond);
  }
  machine().on_cpu(0, [&] {
    for (const auto& job : jobs) {
      ASSERT_EQ(job->task->state(), task::TaskState::finished) << job->name;
      task::join(*job->task);
    }
  });
  jobs.clear();
  machine().run_for(millisecond);
}
