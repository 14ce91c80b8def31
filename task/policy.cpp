// SPDX-License-Identifier: Apache-2.0
#include "task/policy.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "task/task.hpp"

namespace task {
namespace {

constinit std::atomic<hal::Ticks> configured_slice{0};

using Position = Policy::Position;
using Queue = hal::List<Task, RunQueueTag>;

Task* first_of(Queue& queue, Policy::Test test, CpuSet cpus) {
  for (Task& task : queue) {
    if (test(task, cpus)) return &task;
  }
  return nullptr;
}

CpuSet wanted_by(Queue& queue) {
  CpuSet cpus;
  for (const Task& task : queue) {
    if (task.cpus().count() > 1) cpus = cpus | task.cpus();
  }
  return cpus;
}

}  // namespace

std::string_view name(SchedulingClass scheduling_class) {
  static constexpr std::array<std::string_view, scheduling_classes> names{"service", "dedicated", "fixed", "fair"};
  return names[static_cast<size_t>(scheduling_class)];
}

hal::Ticks default_slice() {
  const hal::Ticks slice = configured_slice.load(std::memory_order_relaxed);
  return slice != 0 ? slice : hal::ticks_from_microseconds(5000);
}
void set_default_slice(hal::Ticks slice) { configured_slice.store(slice, std::memory_order_relaxed); }

// A task whose registers are still in its CPU cannot be moved.
Task* Policy::movable(CpuSet cpus) {
  return find([](const Task& task, CpuSet to) { return !task.is_on_cpu() && !(task.cpus() & to).empty(); }, cpus);
}

Task* Policy::promoted() {
  return find([](const Task& task, CpuSet) { return task.is_promoted(); }, {});
}

// --- first in, first out ---------------------------------------------------------------------------------------------

void FifoPolicy::enqueue(Task& task, Position position) {
  if (position == Position::front) {
    tasks_.push_front(task);
  } else {
    tasks_.push_back(task);
  }
}
void FifoPolicy::remove(Task& task) { Queue::remove(task); }
Task* FifoPolicy::take() { return tasks_.pop_front(); }
Task* FifoPolicy::find(Test test, CpuSet cpus) { return first_of(tasks_, test, cpus); }

CpuSet FifoPolicy::wanted() { return wanted_by(tasks_); }

// --- fixed priority --------------------------------------------------------------------------------------------------

unsigned FixedPolicy::highest() const { return static_cast<unsigned>(std::bit_width(ready_)) - 1; }

void FixedPolicy::enqueue(Task& task, Position position) {
  const unsigned priority = task.scheduling().priority;
  if (position == Position::front) {
    tasks_[priority].push_front(task);
  } else {
    tasks_[priority].push_back(task);
  }
  ready_ |= 1U << priority;
}

void FixedPolicy::remove(Task& task) {
  const unsigned priority = task.scheduling().priority;
  Queue::remove(task);
  if (tasks_[priority].empty()) ready_ &= ~(1U << priority);
}

Task* FixedPolicy::take() {
  if (ready_ == 0) return nullptr;
  Task* const task = tasks_[highest()].front();
  remove(*task);
  return task;
}

Task* FixedPolicy::find(Test test, CpuSet cpus) {
  for (uint32_t rest = ready_; rest != 0; rest &= ~std::bit_floor(rest)) {
    Task* const task = first_of(tasks_[static_cast<unsigned>(std::bit_width(rest)) - 1], test, cpus);
    if (task != nullptr) return task;
  }
  return nullptr;
}

CpuSet FixedPolicy::wanted() {
  CpuSet cpus;
  for (Queue& queue : tasks_) cpus = cpus | wanted_by(queue);
  return cpus;
}

bool FixedPolicy::preempts(const Task& current, hal::Ticks) const {
  return ready_ != 0 && highest() > current.scheduling().priority;
}

// --- weighted fair ---------------------------------------------------------------------------------------------------

// Virtual ticks: those of a task with the default weight are real ones.
static int64_t virtual_ticks(const Task& task, hal::Ticks real) {
  return static_cast<int64_t>(real * 100 / task.scheduling().weight);
}

bool FairPolicy::Behind::operator()(const Task& a, const Task& b) const {
  return a.virtual_runtime_ < b.virtual_runtime_;
}

void FairPolicy::enqueue(Task& task, Position position) {
  if (position == Position::arrived) join(task);
  tasks_.push(task);
  by_age_.push_back(task);
}

void FairPolicy::remove(Task& task) {
  tasks_.remove(task);
  Queue::remove(task);
}

Task* FairPolicy::take() {
  Task* const task = tasks_.pop();
  if (task == nullptr) return nullptr;
  Queue::remove(*task);
  clock_ = std::max(clock_, task->virtual_runtime_);
  return task;
}

Task* FairPolicy::find(Test test, CpuSet cpus) { return first_of(by_age_, test, cpus); }

CpuSet FairPolicy::wanted() { return wanted_by(by_age_); }

void FairPolicy::charge(Task& current, hal::Ticks ran) {
  current.virtual_runtime_ += virtual_ticks(current, ran);
  const Task* const first = tasks_.top();
  const int64_t least =
      first == nullptr ? current.virtual_runtime_ : std::min(current.virtual_runtime_, first->virtual_runtime_);
  clock_ = std::max(clock_, least);
}

// By real time a task would be forgiven what the others could not use: several that sleep in turn would keep one that
// computes from the CPU for ever.
void FairPolicy::join(Task& task) {
  const int64_t half_slice = static_cast<int64_t>(default_slice() / 2);
  const int64_t forgiven = task.left_ == this ? clock_ - task.left_at_ : 0;
  task.virtual_runtime_ = clock_ + std::max(task.virtual_runtime_ - forgiven, -half_slice);
}

void FairPolicy::leave(Task& current) {
  current.virtual_runtime_ -= clock_;
  current.left_ = this;
  current.left_at_ = clock_;
}

// At the end of its slice the current task makes way for anybody who is not ahead of it; before that only for somebody
// who is clearly behind, so that wake-ups do not chop slices to pieces.
bool FairPolicy::preempts(const Task& current, hal::Ticks ran) const {
  const Task* const first = tasks_.top();
  if (first == nullptr) return false;
  const hal::Ticks whole = slice(current);
  const int64_t margin = ran >= whole ? 0 : static_cast<int64_t>(whole / 4);
  return first->virtual_runtime_ + margin <= current.virtual_runtime_;
}

hal::Ticks FairPolicy::slice(const Task& current) const {
  const hal::Ticks own = current.scheduling().slice;
  return own != 0 ? own : default_slice();
}

}  // namespace task
