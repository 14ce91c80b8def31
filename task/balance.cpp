// SPDX-License-Identifier: Apache-2.0
// How waiting tasks get to CPUs that have time. Nobody reaches into another CPU's run queue: a CPU that falls idle asks
// one that has too much, and that one sends a task; and a fair task whose slice ends moves on if it is better off
// elsewhere.
#include "hal/timer.hpp"
#include "task/machine.hpp"
#include "task/scheduler.hpp"

namespace task {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// A task that is as well off on another CPU moves there after so many slices: three tasks on two CPUs take turns.
constexpr unsigned slices_between_rotations = 4;

CpuSet idle_cpus() {
  CpuSet idle;
  for (const hal::CpuIndex index : online_cpus() - dedicated_cpus()) {
    if (cpu(index)->is_idle()) idle.add(index);
  }
  return idle;
}

}  // namespace

// Tell the others whether they can help.
void Scheduler::advertise(Cpu& cpu) {
  const uint64_t bit = uint64_t{1} << cpu.number();
  const bool overloaded = cpu.movable_waiting_ != 0;
  if (((overloaded_mask.load(relaxed) & bit) != 0) == overloaded) return;
  if (overloaded) {
    overloaded_mask.fetch_or(bit, relaxed);
  } else {
    overloaded_mask.fetch_and(~bit, relaxed);
  }
}

// At most once per slice, so that tasks which may not come here cost little.
void Scheduler::ask_for_work(Cpu& cpu, hal::Ticks now) {
  advertise(cpu);
  const CpuSet overloaded = CpuSet(overloaded_mask.load(relaxed)) - CpuSet::only(cpu.number());
  if (overloaded.empty() || dedicated_cpus().contains(cpu.number())) return;
  if (now - cpu.asked_for_work_ < default_slice()) return;
  cpu.asked_for_work_ = now;
  cpu.idle_.store(true, relaxed);
  Cpu& busy = *task::cpu(overloaded.first());
  busy.give_work_.store(true, relaxed);
  kick(busy);
}

// Called with everything in the run queue but the task that runs.
void Scheduler::serve_requests(Cpu& cpu) {
  if (cpu.evict_.load(relaxed) && cpu.evict_.exchange(false, std::memory_order_acquire)) {
    for (Policy* const policy : {static_cast<Policy*>(&cpu.fixed_), static_cast<Policy*>(&cpu.fair_)}) {
      while (Task* const task = policy->movable(online_cpus() - CpuSet::only(cpu.number()))) {
        policy->remove(*task);
        take_out(cpu, *task);
        send_away(cpu, *task);
      }
    }
  }
  if (!cpu.give_work_.load(relaxed)) return;
  cpu.give_work_.store(false, relaxed);
  const CpuSet idle = idle_cpus() - CpuSet::only(cpu.number());
  for (Policy* const policy : cpu.policies_) {
    Task* const task = policy->movable(idle);
    if (task == nullptr) continue;
    policy->remove(*task);
    take_out(cpu, *task);
    send_away(cpu, *task);
    return;
  }
}

// A queued task goes where it is best off now.
void Scheduler::send_away(Cpu& cpu, Task& task) {
  policy_of(cpu, task).leave(task);
  unplace(task, cpu);
  task.slept_ = 0;
  Cpu& target = choose(task);
  task.arrived_at_ = hal::Timer::now();
  if (&target != &cpu) task.migrations_.store(task.migrations_.load(relaxed) + 1, relaxed);
  place(task, target);
}

// Where a fair task that had its slice gets more, or as much but it has been here long; null to stay. Moving must not
// make the other CPU the busier one, or tasks would go back and forth.
Cpu* Scheduler::better_cpu(const Cpu& here, const Task& self, hal::Ticks now) {
  if (self.scheduling_.scheduling_class != SchedulingClass::fair) return nullptr;
  const CpuSet others = allowed(self) - CpuSet::only(here.number());
  if (others.empty()) return nullptr;
  Cpu* best = nullptr;
  for (const hal::CpuIndex index : others) {
    if (best == nullptr || cpu(index)->load() < best->load()) best = cpu(index);
  }
  const uint32_t there = best->load() + weight_of(self);
  const uint32_t load = here.load();
  if (there < load) return best;
  const bool is_due = now - self.arrived_at_ >= slices_between_rotations * default_slice();
  return there == load && is_due ? best : nullptr;
}

}  // namespace task
