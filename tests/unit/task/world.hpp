// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hal/timer.hpp"
#include "task/cpu.hpp"
#include "task/task.hpp"
#include "tests/fakes/machine.hpp"

// The machine that all scheduler tests share: four CPUs that execute task::run() for ever.
inline constexpr unsigned fake_cpus = 4;
fake::SimulatedMachine& machine();

inline constexpr hal::Ticks millisecond = 1'000'000;

// A task made of a lambda.
struct Job {
  std::string name;
  std::function<void()> body;
  task::Task* task = nullptr;
};

class World : public testing::Test {
 protected:
  void SetUp() override;
  // Everything a test started has to end, and to leave nothing behind.
  void TearDown() override;

  Job& spawn(std::string name, task::Scheduling scheduling, task::CpuSet cpus, std::function<void()> body);
  [[nodiscard]] hal::Result<task::Task*, task::TaskError> try_spawn(task::Scheduling scheduling, task::CpuSet cpus,
                                                                    std::function<void()> body);
  // A guest that computes until stop() is called.
  Job& spawn_guest(task::Scheduling scheduling, task::CpuSet cpus);
  // Ask all guests to end, let them, and join every task.
  void finish();
  // One exit of a guest: its vCPU's loop.
  static void run_guest_for(hal::Ticks ticks);
  static hal::Ticks run_time(const Job& job) { return job.task->times().run; }
  // Run time during the next `ticks`, as a share of one CPU.
  static std::vector<double> shares(const std::vector<Job*>& of, hal::Ticks ticks);

  bool stopping = false;
  std::vector<std::unique_ptr<Job>> jobs;

 private:
  struct Before;
  std::shared_ptr<Before> before_;
};

constexpr task::Scheduling fair(uint32_t weight = 100, hal::Ticks slice = 0) {
  return {.scheduling_class = task::SchedulingClass::fair, .weight = weight, .slice = slice};
}
constexpr task::Scheduling fixed(uint8_t priority) {
  return {.scheduling_class = task::SchedulingClass::fixed, .priority = priority};
}
constexpr task::Scheduling dedicated() { return {.scheduling_class = task::SchedulingClass::dedicated}; }
constexpr task::Scheduling service() { return {.scheduling_class = task::SchedulingClass::service}; }
