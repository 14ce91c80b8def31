// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/list.hpp"
#include "hal/timer.hpp"
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
  enum class Position : uint8_t { back, front };  // front: it was interrupted and has not had its turn

  virtual void enqueue(Task& task, Position position) = 0;
  virtual void remove(Task& task) = 0;
  // The next to run, taken out; null when empty.
  virtual Task* take() = 0;
  // Should the best task here run instead of `current`, which is of the same class and has run since `since`?
  [[nodiscard]] virtual bool preempts(const Task& current, hal::Ticks ran) const = 0;
  // How long `next` may run while others of its class wait; hal::never without a limit.
  [[nodiscard]] virtual hal::Ticks slice(const Task& next) const = 0;
  // `task` ran for `ran`.
  virtual void charge(Task& task, hal::Ticks ran) = 0;
  // A waiting task that may be moved to `cpu`, the one that was here longest; null when there is none. Not taken out.
  [[nodiscard]] virtual Task* movable(unsigned cpu) = 0;
  [[nodiscard]] virtual bool empty() const = 0;

 protected:
  ~Policy() = default;
};

// service, dedicated: first in, first out.
class FifoPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool preempts(const Task&, hal::Ticks) const override { return false; }
  hal::Ticks slice(const Task&) const override { return hal::never; }
  void charge(Task&, hal::Ticks) override {}
  Task* movable(unsigned cpu) override;
  bool empty() const override { return tasks_.empty(); }

 private:
  hal::List<Task, RunQueueTag> tasks_;
};

// One FIFO per priority, and a bit for each that is not empty.
class FixedPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool preempts(const Task& current, hal::Ticks ran) const override;
  hal::Ticks slice(const Task&) const override { return hal::never; }
  void charge(Task&, hal::Ticks) override {}
  Task* movable(unsigned cpu) override;
  bool empty() const override { return ready_ == 0; }

 private:
  std::array<hal::List<Task, RunQueueTag>, priorities> tasks_;
  uint32_t ready_ = 0;
};

// Weighted fair: each task has a virtual runtime that advances with its run time divided by its weight; the smallest
// runs. A task that slept starts at most half a slice behind the others: it is served soon, but saves nothing up.
class FairPolicy final : public Policy {
 public:
  void enqueue(Task& task, Position position) override;
  void remove(Task& task) override;
  Task* take() override;
  bool preempts(const Task& current, hal::Ticks ran) const override;
  hal::Ticks slice(const Task& next) const override;
  void charge(Task& task, hal::Ticks ran) override;
  Task* movable(unsigned cpu) override;
  bool empty() const override { return tasks_.empty(); }

 private:
  struct Behind {
    bool operator()(const Task& a, const Task& b) const;
  };
  PairingHeap<Task, Behind, RunQueueTag> tasks_;
  uint64_t clock_ = 0;  // virtual time of this CPU: never goes back, newcomers start here
};

}  // namespace task
