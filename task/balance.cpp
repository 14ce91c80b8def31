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

// Tasks that could run elsewhere wait here: send them to CPUs that sleep, and tell those that fall asleep later.
void Scheduler::advertise(Cpu& cpu) {
  if (cpu.movable_waiting_ != 0) offer_work(cpu);
  const uint64_t bit = uint64_t{1} << cpu.number();
  const bool overloaded = cpu.movable_waiting_ != 0;
  if (((overloaded_mask.load(relaxed) & bit) != 0) == overloaded) return;
  if (overloaded) {
    overloaded_mask.fetch_or(bit, relaxed);
  } else {
    overloaded_mask.fetch_and(~bit, relaxed);
  }
}

void Scheduler::offer_work(Cpu& cpu) {
  const CpuSet idle = (idle_cpus() & CpuSet(cpu.wanted_.load(relaxed))) - CpuSet::only(cpu.number());
  if (idle.empty()) return;
  for (Policy* const policy : cpu.policies_) {
    Task* const task = policy->movable(idle);
    if (task == nullptr) continue;
    policy->remove(*task);
    take_out(cpu, *task);
    send_away(cpu, *task);
    return;
  }
  // Too many CPUs were wanted: some that only tasks which have left could use.
  uint64_t wanted = 0;
  for (Policy* const policy : cpu.policies_) wanted |= policy->wanted().bits();
  cpu.wanted_.store(wanted, relaxed);
}

// This CPU falls asleep. The first that is asked and has a task for it sends one; the others find it busy.
void Scheduler::ask_for_work(Cpu& cpu) {
  advertise(cpu);
  const CpuSet overloaded(overloaded_mask.load(relaxed));
  if (overloaded.empty() || dedicated_cpus().contains(cpu.number())) return;
  for (const hal::CpuIndex index : overloaded - CpuSet::only(cpu.number())) {
    Cpu& busy = *task::cpu(index);
    if (!CpuSet(busy.wanted_.load(relaxed)).contains(cpu.number())) continue;
    cpu.idle_.store(true, relaxed);
    busy.give_work_.store(true, relaxed);
    kick(busy);
  }
}

// Called with everything in the run queue but the task that runs.
void Scheduler::serve_requests(Cpu& cpu) {
  if (cpu.evict_.load(relaxed) && cpu.evict_.exchange(false, std::memory_order_acquire)) {
    for (Policy* const policy : {static_cast<Policy*>(&cpu.fixed_), static_cast<Policy*>(&cpu.fair_)}) {
      while (Task* const task = policy->movable(online_cpus() - dedicated_cpus())) {
        policy->remove(*task);
        take_out(cpu, *task);
        send_away(cpu, *task);
      }
    }
  }
  if (cpu.promote_.load(relaxed)) {
    cpu.promote_.store(false, relaxed);
    for (Policy* const policy : {static_cast<Policy*>(&cpu.fixed_), static_cast<Policy*>(&cpu.fair_)}) {
      while (Task* const task = policy->promoted()) {
        policy->remove(*task);
        take_out(cpu, *task);
        insert(cpu, *task, Policy::Position::back);
      }
    }
  }
  if (!cpu.give_work_.load(relaxed)) return;
  cpu.give_work_.store(false, relaxed);
  offer_work(cpu);
}

// A queued task goes where it is best off now.
void Scheduler::send_away(Cpu& cpu, Task& task) {
  policy_of(cpu, task).leave(task);
  unplace(task, cpu);
  Cpu& target = choose(task);
  task.arrived_at_ = hal::Timer::now();
  task.takes_turns_ = true;
  if (&target != &cpu) task.migrations_.store(task.migrations_.load(relaxed) + 1, relaxed);
  place(task, target);
}

// Where a task that has to make way here can go on at once; where a fair one gets more, or as much but it has been here
// long. Null to stay. Moving must not make the other CPU the busier one, or tasks would go back and forth.
Cpu* Scheduler::better_cpu(const Cpu& here, const Task& self, hal::Ticks now) {
  const CpuSet others = allowed(self) - CpuSet::only(here.number());
  Cpu* best = nullptr;
  for (const hal::CpuIndex index : others) {
    Cpu& other = *cpu(index);
    if (other.is_idle() && other.idle_.exchange(false, relaxed)) return &other;
    if (best == nullptr || other.load() < best->load()) best = &other;
  }
  if (best == nullptr || self.scheduling_.scheduling_class != SchedulingClass::fair) return nullptr;
  const uint32_t there = best->load() + weight_of(self);
  const uint32_t load = here.load();
  if (there < load) return best;
  const bool is_due = now - self.arrived_at_ >= slices_between_rotations * default_slice();
  return there == load && is_due ? best : nullptr;
}

}  // namespace task
