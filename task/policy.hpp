// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/list.hpp"
#include "hal/timer.hpp"
#include "task/cpu_set.hpp"
#include "task/pairing_heap.hpp"

namespace task {

class Task;

// Scheduling classes, the first that has a ready task runs.
//
//   service    the hypervisor's own short tasks (shell, reaper). FIFO. The only ones that may use a dedicated CPU
//   beside
//              its owner, and only when no other CPU is open to them.
//   dedicated  owns its CPU: nobody else is placed there, no tick interrupts it.
//   fixed      by priority, 31 first; FIFO among equals; runs until it blocks or a higher one is ready.
//   fair       CPU time in proportion to weight, in slices; the tick runs only while somebody competes.
enum class SchedulingClass : uint8_t { service, dedicated, fixed, fair };
inline constexpr size_t scheduling_classes = 4;
[[nodiscard]] std::string_view name(SchedulingClass scheduling_class);

struct Scheduling {
  SchedulingClass scheduling_class = SchedulingClass::fair;
  uint8_t priority = 16;  // fixed: 0..31
  uint32_t weight = 100;  // fair: 1..10000
  hal::Ticks slice = 0;   // fair; 0: default_slice()
};
inline constexpr unsigned priorities = 32;

// 5 ms unless set by the configuration, once, before VMs start.
[[nodiscard]] hal::Ticks default_slice();
void set_default_slice(hal::Ticks slice);

struct RunQueueTag {};

// The ready tasks of one class on one CPU. Only that CPU calls, so nothing is locked. The task that runs is not in it.
class Policy {
 public:
  enum class Position : uint8_t {
    arrived,  // it slept, or comes from another CPU
    back,     // it had its turn
    front,    // it was interrupted by a better class
  };

  virtual void enqueue(Task& task, Position position) = 0;
  virtual void remove(Task& task) = 0;
  // The next to run, taken out; null when empty.
  virtual Task* take() = 0;
  [[nodiscard]] virtual bool empty() const = 0;
  // Of the tasks that pass `test`, the one that waits longest; or null. Not taken out.
  using Test = bool (*)(const Task& task, CpuSet cpus);
  [[nodiscard]] virtual Task* find(Test test, CpuSet cpus) = 0;
  // One that may run on one of `cpus`; one that was promoted after it was queued.
  [[nodiscard]] Task* movable(CpuSet cpus);
  [[nodiscard]] Task* promoted();
  // All CPUs that tasks here may use, but those of tasks that have only one.
  [[nodiscard]] virtual CpuSet wanted() = 0;

  // The running task of this class has used `ran` since it was last charged.
  virtual void charge(Task& current, hal::Ticks ran) = 0;
  // A task that is not queued joins this class on this CPU; it blocks, or goes to another class or CPU.
  virtual void join(Task& task) = 0;
  virtual void leave(Task& current) = 0;
  // Should the best task here take the place of one that was charged, and whose turn has lasted for `ran`?
  [[nodiscard]] virtual bool preempts(const Task& current, hal::Ticks ran) const = 0;
  // How long it may run while others of its class wait; hal::never without a limit.
  [[nodiscard]] virtual hal::Ticks slice(const Task& current) const = 0;

 protected:
  ~Policy() = default;
};

// service, dedicated: first in, first out.
class FifoPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool empty() const override { return tasks_.empty(); }
  Task* find(Test test, CpuSet cpus) override;
  CpuSet wanted() override;
  void charge(Task&, hal::Ticks) override {}
  void join(Task&) override {}
  void leave(Task&) override {}
  bool preempts(const Task&, hal::Ticks) const override { return false; }
  hal::Ticks slice(const Task&) const override { return hal::never; }

 private:
  hal::List<Task, RunQueueTag> tasks_;
};

// One FIFO per priority, and a bit for each that is not empty.
class FixedPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool empty() const override { return ready_ == 0; }
  Task* find(Test test, CpuSet cpus) override;
  CpuSet wanted() override;
  void charge(Task&, hal::Ticks) override {}
  void join(Task&) override {}
  void leave(Task&) override {}
  bool preempts(const Task& current, hal::Ticks) const override;
  hal::Ticks slice(const Task&) const override { return hal::never; }

 private:
  [[nodiscard]] unsigned highest() const;

  std::array<hal::List<Task, RunQueueTag>, priorities> tasks_;
  uint32_t ready_ = 0;
};

// Weighted fair: each task has a virtual runtime that advances with its run time divided by its weight, and the
// smallest runs. The CPU has a virtual clock that follows them. A task that leaves takes along how far it is ahead of
// the clock (its lag) and comes back with that much, less what the clock has advanced: so it is served soon, but saves
// up half a slice at most, and nothing where the others had no time either. On another CPU it has the same lag.
class FairPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool empty() const override { return tasks_.empty(); }
  Task* find(Test test, CpuSet cpus) override;
  CpuSet wanted() override;
  void charge(Task& current, hal::Ticks ran) override;
  void join(Task& task) override;
  void leave(Task& current) override;
  bool preempts(const Task& current, hal::Ticks ran) const override;
  hal::Ticks slice(const Task& current) const override;

 private:
  struct Behind {
    bool operator()(const Task& a, const Task& b) const;
  };
  PairingHeap<Task, Behind, RunQueueTag> tasks_;
  hal::List<Task, RunQueueTag> by_age_;  // the same tasks in the order they were queued
  int64_t clock_ = 0;                    // virtual ticks; never goes back
};

}  // namespace task
