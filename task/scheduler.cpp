// SPDX-License-Identifier: Apache-2.0
#include "task/scheduler.hpp"

#include <bit>
#include <utility>

#include "hal/base/panic.hpp"
#include "hal/irq.hpp"
#include "hal/timer.hpp"
#include "task/machine.hpp"

namespace task {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
// What a task that is not fair counts for where fair ones are placed: as much as the heaviest of them.
constexpr uint32_t fixed_weight = 10000;

constexpr uint32_t bit_of(unsigned scheduling_class) { return 1U << scheduling_class; }

void add(std::atomic<uint64_t>& sum, uint64_t value) { sum.store(sum.load(relaxed) + value, relaxed); }

}  // namespace

uint32_t Scheduler::weight_of(const Task& task) {
  switch (task.scheduling_.scheduling_class) {
    case SchedulingClass::service: return 1;
    case SchedulingClass::fair: return task.scheduling_.weight;
    case SchedulingClass::dedicated:
    case SchedulingClass::fixed: break;
  }
  return fixed_weight;
}

// --- placement -------------------------------------------------------------------------------------------------------

// Where the task may be put now: dedicated CPUs are for their owners, and for services that have nowhere else to go.
CpuSet Scheduler::allowed(const Task& task) {
  const CpuSet online = task.cpus_ & online_cpus();
  if (task.scheduling_.scheduling_class == SchedulingClass::dedicated) return online;
  const CpuSet open = online - dedicated_cpus();
  return open.empty() ? online : open;
}

Cpu& Scheduler::choose(const Task& task) {
  const hal::CpuIndex last = task.cpu();
  // Its registers are still in that CPU, or nobody has taken that CPU from it yet.
  if (task.on_cpu_.load(std::memory_order_acquire)) return *cpu(last);
  const CpuSet candidates = allowed(task);
  if (candidates.contains(last) && cpu(last)->idle_.exchange(false, relaxed)) return *cpu(last);
  Cpu* best = nullptr;
  for (const hal::CpuIndex index : candidates) {
    Cpu& candidate = *cpu(index);
    if (candidate.is_idle() && candidate.idle_.exchange(false, relaxed)) return candidate;
    if (best == nullptr || candidate.load() < best->load() || (candidate.load() == best->load() && index == last)) {
      best = &candidate;
    }
  }
  if (best == nullptr) hal::panic("a task has no CPU to run on");
  return *best;
}

void Scheduler::kick(Cpu& target) {
  // Release: what was done before is seen by the target when it clears the flag (collect()).
  if (target.resched.exchange(1, std::memory_order_acq_rel) == 0) hal::Irqs::send_ipi(target.number());
}

// The task counts for the target's load from now on, and the target enqueues it.
void Scheduler::place(Task& task, Cpu& target) {
  task.cpu_.store(target.number(), relaxed);
  target.load_.fetch_add(weight_of(task), relaxed);
  Cpu& here = this_cpu();
  if (&target == &here) {
    insert(here, task, Policy::Position::arrived);
    here.resched.store(1, relaxed);
    return;
  }
  Task* first = target.inbox_.load(relaxed);
  do {
    task.inbox_next_ = first;
  } while (!target.inbox_.compare_exchange_weak(first, &task, std::memory_order_release, relaxed));
  kick(target);
}

void Scheduler::unplace(Task& task, Cpu& cpu) { cpu.load_.fetch_sub(weight_of(task), relaxed); }

void Scheduler::make_ready(Task& task) {
  const hal::Ticks now = hal::Timer::now();
  task.changed_at_.store(now, relaxed);
  task.state_.store(TaskState::ready, relaxed);
  Cpu& target = choose(task);
  if (target.number() != task.cpu()) {
    if (task.switches_.load(relaxed) != 0) add(task.migrations_, 1);
    task.arrived_at_ = now;
  }
  place(task, target);
}

// A queued task belongs to its CPU, and which one that is may change at any moment: every CPU that could have it looks
// into its queues. One that queues the task after it has looked sees what is wanted, because its look comes after ours
// into `resched`.
void Scheduler::promote(Task& task) {
  task.wanted_class_.store(SchedulingClass::service, relaxed);
  for (const hal::CpuIndex index : allowed(task)) {
    Cpu& candidate = *cpu(index);
    candidate.promote_.store(true, relaxed);
    if (&candidate == &this_cpu()) {
      candidate.resched.store(1, relaxed);
    } else {
      kick(candidate);
    }
  }
}

// One that is blocked or queued changes as it is queued next; one that runs has to be told, or its guest would have the
// CPU as a service for as long as it never waits.
void Scheduler::demote(Task& task) {
  task.wanted_class_.store(task.scheduling_.scheduling_class, relaxed);
  if (task.state() == TaskState::blocked) return;
  Cpu& where = *cpu(task.cpu());
  if (&where == &this_cpu()) {
    where.resched.store(1, relaxed);
  } else {
    kick(where);
  }
}

// --- the run queue of this CPU ---------------------------------------------------------------------------------------

// Of a task that runs or was in a run queue; one that slept has left its old class.
[[gnu::cold]] void Scheduler::change_class(Cpu& cpu, Task& task) {
  policy_of(cpu, task).leave(task);
  task.class_ = task.wanted_class_.load(relaxed);
}

// Whoever arrives is placed beside what the running task has used so far. Nobody counts its time while it is alone: it
// would pay for all of that to those that come. Only what tasks get by taking turns between CPUs is theirs to have: it
// is short, and evens out what they had on the CPU they left.
void Scheduler::charge_running(Cpu& cpu, Task& arriving) {
  constexpr unsigned slices_of_turns = 8;
  const bool takes_turns = std::exchange(arriving.takes_turns_, false);
  Task& running = cpu.current();
  if (running.class_ != SchedulingClass::fair || running.state() != TaskState::running) return;
  const hal::Ticks now = hal::Timer::now();
  if (takes_turns && now - running.changed_at_.load(relaxed) <= slices_of_turns * default_slice()) return;
  charge(cpu, running, now);
}

void Scheduler::insert(Cpu& cpu, Task& task, Policy::Position position) {
  if (task.class_ != task.wanted_class_.load(relaxed)) [[unlikely]] {
    if (position == Policy::Position::arrived) {
      task.class_ = task.wanted_class_.load(relaxed);
    } else {
      change_class(cpu, task);
      position = Policy::Position::arrived;
    }
  }
  if (position == Policy::Position::arrived && task.class_ == SchedulingClass::fair) charge_running(cpu, task);
  policy_of(cpu, task).enqueue(task, position);
  cpu.ready_classes_ |= bit_of(class_of(task));
  if (!is_movable(task)) return;
  ++cpu.movable_waiting_;
  cpu.wanted_.store(cpu.wanted_.load(relaxed) | task.cpus_.bits(), relaxed);
}

// `task` was taken from its policy.
void Scheduler::take_out(Cpu& cpu, Task& task) {
  if (policy_of(cpu, task).empty()) cpu.ready_classes_ &= ~bit_of(class_of(task));
  if (is_movable(task) && --cpu.movable_waiting_ == 0) cpu.wanted_.store(0, relaxed);
}

Task* Scheduler::take_next(Cpu& cpu) {
  if (cpu.ready_classes_ == 0) return nullptr;
  Task* const next = cpu.policies_[static_cast<unsigned>(std::countr_zero(cpu.ready_classes_))]->take();
  take_out(cpu, *next);
  return next;
}

// Clear the flag, then empty the inbox: whoever pushes later sees the flag clear and sends an IPI.
void Scheduler::collect(Cpu& cpu) {
  if (cpu.resched.load(relaxed) == 0) return;
  cpu.resched.exchange(0, std::memory_order_acq_rel);
  if (cpu.inbox_.load(relaxed) != nullptr) {
    Task* newest = cpu.inbox_.exchange(nullptr, std::memory_order_acquire);
    Task* oldest = nullptr;
    while (newest != nullptr) {
      Task* const next = newest->inbox_next_;
      newest->inbox_next_ = oldest;
      oldest = newest;
      newest = next;
    }
    while (oldest != nullptr) {
      Task* const next = oldest->inbox_next_;
      insert(cpu, *oldest, Policy::Position::arrived);
      oldest = next;
    }
  }
  serve_requests(cpu);
}

// --- leaving the CPU -------------------------------------------------------------------------------------------------

void Scheduler::charge(Cpu& cpu, Task& self, hal::Ticks now) {
  const hal::Ticks ran = now - self.changed_at_.load(relaxed);
  self.changed_at_.store(now, relaxed);
  add(self.run_, ran);
  policy_of(cpu, self).charge(self, ran);
}

void Scheduler::prepare_to_block(Task& self) {
  Cpu& here = this_cpu();
  charge(here, self, hal::Timer::now());
  policy_of(here, self).leave(self);
  unplace(self, here);
  self.state_.store(TaskState::blocked, relaxed);
}

void Scheduler::block(Task& self) {
  collect(this_cpu());
  run_others(self);
}

void Scheduler::run_others(Task& self) {
  do {
    Cpu& here = this_cpu();
    Task* next = take_next(here);
    // A task that waits lends its stack to the idle CPU: if it is woken first, there is nothing to switch. A stack that
    // is about to be freed, or wanted on another CPU, cannot be lent; then the boot context's serves.
    const bool can_lend = !self.finished_.load(relaxed) && here.forward_to_ == nullptr;
    while (next == nullptr && can_lend) {
      idle(here);
      next = take_next(here);
    }
    if (next == nullptr) {
      borrow_boot_stack(here, self);
    } else {
      begin(here, *next);
      if (next == &self) return advertise(here);
      switch_to(here, self, *next);
    }
    // Somebody borrowed the stack of a boot context that waits: idle on.
  } while (self.state() != TaskState::running);
}

// Put the task that has been running where it will wait for its next turn.
void Scheduler::requeue(Cpu& cpu, Task& self, Policy::Position position) {
  self.state_.store(TaskState::ready, relaxed);
  Task* const owner = cpu.owner_.load(relaxed);
  Cpu* target = nullptr;
  if (owner != nullptr && owner != &self) {
    const CpuSet open = allowed(self) - CpuSet::only(cpu.number());
    if (!open.empty()) target = task::cpu(open.first());
  } else {
    target = better_cpu(cpu, self, self.changed_at_.load(relaxed));
  }
  if (target == nullptr) {
    insert(cpu, self, position);
    return;
  }
  // Its registers have to be saved first: finish_switch() sends it.
  policy_of(cpu, self).leave(self);
  unplace(self, cpu);
  self.arrived_at_ = self.changed_at_.load(relaxed);
  self.takes_turns_ = true;
  add(self.migrations_, 1);
  cpu.forward_to_ = target;
}

// Take in who arrived, and what was asked of the running task.
void Scheduler::look_around(Cpu& cpu, Task& self) {
  collect(cpu);
  if (self.class_ == self.wanted_class_.load(relaxed)) [[likely]] return;
  charge(cpu, self, hal::Timer::now());
  change_class(cpu, self);
  policy_of(cpu, self).join(self);
}

void Scheduler::yield() {
  Cpu& here = this_cpu();
  Task& self = here.current();
  hal::Irqs::poll();
  look_around(here, self);
  if (here.ready_classes_ == 0) return;
  charge(here, self, hal::Timer::now());
  requeue(here, self, Policy::Position::back);
  run_others(self);
}

void Scheduler::make_way() {
  Cpu& here = this_cpu();
  if (here.current().class_ == SchedulingClass::service) return yield();
  hal::Irqs::poll();
  if (resched_needed()) reschedule();
}

void Scheduler::reschedule() {
  Cpu& here = this_cpu();
  Task& self = here.current();
  look_around(here, self);
  if (here.ready_classes_ == 0) return advertise(here);
  const unsigned best = static_cast<unsigned>(std::countr_zero(here.ready_classes_));
  const unsigned mine = class_of(self);
  const hal::Ticks now = hal::Timer::now();
  charge(here, self, now);
  const hal::Ticks ran = now - self.turn_began_;
  const bool preempted = best < mine || (best == mine && policy_of(here, self).preempts(self, ran));
  if (!preempted) {
    if (best == mine && ran >= policy_of(here, self).slice(self)) self.turn_began_ = now;
    limit(here, self);
    return advertise(here);
  }
  add(self.steals_, 1);
  requeue(here, self, best < mine ? Policy::Position::front : Policy::Position::back);
  run_others(self);
}

// --- taking the CPU --------------------------------------------------------------------------------------------------

// A tick only while others of its class wait, and the class has slices.
void Scheduler::limit(Cpu& cpu, Task& current) {
  const bool contended = (cpu.ready_classes_ & bit_of(class_of(current))) != 0;
  const hal::Ticks slice = contended ? policy_of(cpu, current).slice(current) : hal::never;
  cpu.timers_.set_slice_end(slice == hal::never ? hal::never : current.turn_began_ + slice);
}

void Scheduler::borrow_boot_stack(Cpu& cpu, Task& self) {
  cpu.current_task = &cpu.boot_task_;
  cpu.timers_.set_slice_end(hal::never);
  cpu.boot_task_.on_cpu_.store(true, relaxed);
  switch_to(cpu, self, cpu.boot_task_);
}

void Scheduler::begin(Cpu& cpu, Task& next) {
  const hal::Ticks now = hal::Timer::now();
  add(next.wait_, now - next.changed_at_.load(relaxed));
  add(next.switches_, 1);
  next.changed_at_.store(now, relaxed);
  next.turn_began_ = now;
  next.state_.store(TaskState::running, relaxed);
  next.on_cpu_.store(true, relaxed);
  cpu.current_task = &next;
  limit(cpu, next);
  // Pairs with the fence in interrupt(): either it sees `next` running here, or `next` sees what it was told to look at,
  // also where it goes on on its own stack.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Scheduler::switch_to(Cpu& cpu, Task& self, Task& next) {
  if (self.hooks_.out != nullptr) self.hooks_.out(self.argument_);
  if (next.hooks_.in != nullptr) next.hooks_.in(next.argument_);
  cpu.previous_ = &self;
  hal::Cpu::switch_context(self.context_, next.context_);
  finish_switch();
}

// First thing on the new stack, perhaps on another CPU than the task left. The previous task may go anywhere from here
// on.
[[gnu::noinline]] void Scheduler::finish_switch() {
  Cpu& here = this_cpu();
  Task* const previous = std::exchange(here.previous_, nullptr);
  Cpu* const forward_to = std::exchange(here.forward_to_, nullptr);
  previous->on_cpu_.store(false, std::memory_order_release);
  // Still ours, although it could run elsewhere: nobody else knows where it is.
  if (forward_to != nullptr) place(*previous, *forward_to);
  // Only now can the previous task be offered to others.
  advertise(here);
}

void Scheduler::first_run(void* argument) {
  finish_switch();
  Task& self = *static_cast<Task*>(argument);
  self.entry_(self.argument_);
  exit();
}

// --- nothing to do ---------------------------------------------------------------------------------------------------

// Until something is in the run queue. The flag is looked at last before sleep; what sets it sends an interrupt, and a
// pending interrupt ends the sleep, masked or not.
void Scheduler::idle(Cpu& cpu) {
  const hal::Ticks since = hal::Timer::now();
  // Upcalls must not take the task that lends its stack for one that runs.
  cpu.current_task = &cpu.boot_task_;
  cpu.timers_.set_slice_end(hal::never);
  ask_for_work(cpu);
  while (cpu.ready_classes_ == 0) {
    cpu.idle_.store(true, relaxed);
    if (!resched_needed()) {
      hal::Cpu::wait_for_interrupt();
      hal::Irqs::poll();
    }
    collect(cpu);
  }
  cpu.idle_.store(false, relaxed);
  add(cpu.idle_time_, hal::Timer::now() - since);
}

// Nobody waits for the task: whoever wants it interrupts it, as if it ran. It counts as running, and what it slept is
// taken from what it ran before anything looks at that. As in idle(), both words are looked at last before sleep, and
// an interrupt comes after either was set.
bool Scheduler::doze(const std::atomic<uint32_t>& word) {
  Cpu& here = this_cpu();
  Task& self = here.current();
  // Somebody is ready here, or could be had from another CPU: for block() to see to.
  if (here.ready_classes_ != 0 || overloaded_mask.load(relaxed) != 0) return false;
  here.timers_.set_slice_end(hal::never);
  hal::Ticks since = hal::Timer::now();
  here.idle_.store(true, relaxed);
  while (word.load(std::memory_order_acquire) == 0 && !resched_needed()) {
    self.dozes_since_.store(since, relaxed);
    hal::Cpu::wait_for_interrupt();
    const hal::Ticks now = hal::Timer::now();
    const hal::Ticks slept = now - since;
    since = now;
    self.changed_at_.store(self.changed_at_.load(relaxed) + slept, relaxed);
    self.turn_began_ += slept;
    add(here.idle_time_, slept);
    hal::Irqs::poll();
  }
  self.dozes_since_.store(0, relaxed);
  here.idle_.store(false, relaxed);
  return word.load(std::memory_order_acquire) != 0;
}

void Scheduler::enter(Cpu& cpu) {
  cpu.boot_task_.changed_at_.store(hal::Timer::now(), relaxed);
  cpu.load_.fetch_add(weight_of(cpu.boot_task_), relaxed);
  online_mask.fetch_or(uint64_t{1} << cpu.number(), std::memory_order_seq_cst);
}

// The boot context waits for what nobody can bring about.
void Scheduler::run() {
  Task& self = this_cpu().boot_task_;
  prepare_to_block(self);
  block(self);
  hal::panic("a boot context was woken");
}

}  // namespace task
