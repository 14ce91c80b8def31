// SPDX-License-Identifier: Apache-2.0
#include "task/task.hpp"

#include <algorithm>

#include "hal/base/lock.hpp"
#include "hal/irq.hpp"
#include "mm/heap.hpp"
#include "task/cpu.hpp"
#include "task/machine.hpp"
#include "task/scheduler.hpp"

namespace task {
namespace {

// All tasks but the boot contexts, and who owns which CPU: both change together when a task comes or goes.
constinit hal::SpinLock list_lock{hal::LockRank::task_list};
constinit hal::List<Task, AllTasksTag> all_tasks PLINTH_GUARDED_BY(list_lock);
constinit uint64_t tasks PLINTH_GUARDED_BY(list_lock) = 0;

}  // namespace

std::string_view name(TaskState state) {
  switch (state) {
    case TaskState::ready: return "ready";
    case TaskState::running: return "running";
    case TaskState::blocked: return "blocked";
    case TaskState::finished: return "finished";
  }
  return "?";
}

std::string_view name(TaskError error) {
  switch (error) {
    case TaskError::out_of_memory: return "out of memory";
    case TaskError::no_cpu: return "none of its CPUs is online";
    case TaskError::cpu_taken: return "its CPUs are dedicated, or needed by others";
  }
  return "?";
}

Task::Task(Key, const TaskSpec& spec, mm::Stack stack)
    : entry_(spec.entry),
      argument_(spec.argument),
      hooks_(spec.hooks),
      scheduling_(spec.scheduling),
      cpus_(spec.cpus),
      wanted_class_(spec.scheduling.scheduling_class),
      class_(spec.scheduling.scheduling_class),
      stack_(std::move(stack)) {
  std::ranges::copy(spec.name.substr(0, name_capacity), name_.begin());
}

TaskTimes Task::times() const {
  constexpr auto relaxed = std::memory_order_relaxed;
  TaskTimes times{.run = run_.load(relaxed),
                  .wait = wait_.load(relaxed),
                  .steals = steals_.load(relaxed),
                  .switches = switches_.load(relaxed),
                  .migrations = migrations_.load(relaxed)};
  const hal::Ticks since = changed_at_.load(relaxed);
  const hal::Ticks now = hal::Timer::now();
  const hal::Ticks dozes_since = dozes_since_.load(relaxed);
  const hal::Ticks until = dozes_since != 0 ? dozes_since : now;
  if (now < since || until < since) return times;
  if (state() == TaskState::running) times.run += until - since;
  if (state() == TaskState::ready) times.wait += now - since;
  return times;
}

// --- owners of CPUs --------------------------------------------------------------------------------------------------

// Is there a task that could run nowhere if this CPU were dedicated to another?
bool Scheduler::is_needed_by_others(hal::CpuIndex index) PLINTH_NO_THREAD_SAFETY {
  return std::ranges::any_of(all_tasks, [&](const Task& other) {
    const bool is_guest = other.scheduling_.scheduling_class != SchedulingClass::service;
    return is_guest && !other.finished_.load(std::memory_order_relaxed) &&
           (allowed(other) - CpuSet::only(index)).empty();
  });
}

// From the highest number down: the boot CPU has devices to serve.
hal::Result<void, TaskError> Scheduler::dedicate(Task& task, CpuSet candidates) {
  for (hal::CpuIndex index = hal::max_cpus; index-- > 0;) {
    if (!candidates.contains(index) || is_needed_by_others(index)) continue;
    Cpu& taken = *cpu(index);
    task.cpus_ = CpuSet::only(index);
    taken.owner_.store(&task, std::memory_order_relaxed);
    dedicated_mask.fetch_or(uint64_t{1} << index, std::memory_order_seq_cst);
    taken.evict_.store(true, std::memory_order_release);
    return {};
  }
  return hal::fail(TaskError::cpu_taken);
}

hal::Result<void, TaskError> Scheduler::admit(Task& task) {
  const hal::LockGuard guard(list_lock);
  const CpuSet online = task.cpus_ & online_cpus();
  if (online.empty()) return hal::fail(TaskError::no_cpu);
  const CpuSet open = online - dedicated_cpus();
  if (task.scheduling_.scheduling_class == SchedulingClass::dedicated) {
    TRY(dedicate(task, open));
  } else if (open.empty() && task.scheduling_.scheduling_class != SchedulingClass::service) {
    return hal::fail(TaskError::cpu_taken);
  }
  all_tasks.push_back(task);
  ++tasks;
  return {};
}

// --- life ------------------------------------------------------------------------------------------------------------

hal::Result<Task*, TaskError> Scheduler::spawn(const TaskSpec& spec) {
  auto stack = mm::allocate_stack(spec.stack_size);
  if (!stack.ok()) return hal::fail(TaskError::out_of_memory);
  const hal::HostVirt top = stack->top();
  auto made = mm::make<Task>(Task::Key{}, spec, std::move(stack).value());
  if (!made.ok()) return hal::fail(TaskError::out_of_memory);
  mm::Owned<Task> task = std::move(made).value();
  hal::Cpu::prepare(task->context_, top, first_run, task.get());
  TRY(admit(*task));
  task->cpu_.store(allowed(*task).first(), std::memory_order_relaxed);
  task->changed_at_.store(hal::Timer::now(), std::memory_order_relaxed);
  Task* const fresh = task.release();
  make_ready(*fresh);
  return fresh;
}

void Scheduler::join(Task& task) {
  task.joiners_.wait([&] { return task.finished_.load(std::memory_order_acquire); });
  // It may still be on its way off the CPU.
  while (task.is_on_cpu()) hal::cpu_relax();
  {
    const hal::LockGuard guard(list_lock);
    hal::List<Task, AllTasksTag>::remove(task);
    --tasks;
    Cpu& last = *cpu(task.cpu());
    if (last.owner_.load(std::memory_order_relaxed) == &task) {
      last.owner_.store(nullptr, std::memory_order_relaxed);
      dedicated_mask.fetch_and(~(uint64_t{1} << last.number()), std::memory_order_seq_cst);
    }
  }
  const mm::Owned<Task> gone(&task);
}

void Scheduler::exit() {
  Task& self = current();
  prepare_to_block(self);
  self.state_.store(TaskState::finished, std::memory_order_relaxed);
  self.finished_.store(true, std::memory_order_release);
  self.joiners_.wake_all();
  block(self);
  __builtin_unreachable();
}

// --- the interface ---------------------------------------------------------------------------------------------------

hal::Result<Task*, TaskError> spawn(const TaskSpec& spec) { return Scheduler::spawn(spec); }
void join(Task& task) { Scheduler::join(task); }
Task& current() { return this_cpu().current(); }
void yield() { Scheduler::yield(); }
void make_way() { Scheduler::make_way(); }
bool doze(const std::atomic<uint32_t>& word) { return Scheduler::doze(word); }
void exit() { Scheduler::exit(); }
void reschedule() { Scheduler::reschedule(); }
void promote(Task& task) { Scheduler::promote(task); }
void demote(Task& task) { Scheduler::demote(task); }

void interrupt(const Task& task) {
  // Pairs with the fence in Scheduler::begin().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const hal::CpuIndex where = task.cpu();
  if (task.state() == TaskState::running && where != this_cpu().number()) hal::Irqs::send_ipi(where);
}

uint64_t task_count() {
  const hal::LockGuard guard(list_lock);
  return tasks;
}

void for_each_task(void (*visit)(const Task& task, void* context), void* context) {
  const hal::LockGuard guard(list_lock);
  for (const Task& task : all_tasks) visit(task, context);
}

}  // namespace task
