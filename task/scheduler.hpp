// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "task/cpu.hpp"
#include "task/task.hpp"

namespace task {

// The inner interface of task/: what spawn, wait queues and upcalls do to CPUs and tasks. Not for the layers above.
struct Scheduler {
  // --- waking, any CPU -----------------------------------------------------------------------------------------------

  // A blocked or new task that nobody else can wake becomes ready on the best CPU: its last one if that is idle or the
  // task has not left it yet, another idle one, the least loaded one.
  static void make_ready(Task& task);

  static void promote(Task& task);
  static void demote(Task& task);

  // --- leaving the CPU, current task only ----------------------------------------------------------------------------

  // First half of blocking: settle the task's account and mark it. Comes before anybody can wake it.
  static void prepare_to_block(Task& self);
  // Second half: run others until somebody has woken it.
  static void block(Task& self);
  // Sleep as the task that runs here, see task::doze().
  static bool doze(const std::atomic<uint32_t>& word);
  static void yield();
  static void make_way();
  static void reschedule();

  // --- tasks' life ---------------------------------------------------------------------------------------------------

  static hal::Result<Task*, TaskError> spawn(const TaskSpec& spec);
  static void join(Task& task);
  [[noreturn]] static void exit();

  static void enter(Cpu& cpu);
  [[noreturn]] static void run();

 private:
  [[nodiscard]] static unsigned class_of(const Task& task) { return static_cast<unsigned>(task.class_); }
  [[nodiscard]] static Policy& policy_of(Cpu& cpu, const Task& task) { return *cpu.policies_[class_of(task)]; }
  // Decided when a task is created, because CPUs come online while others run.
  [[nodiscard]] static bool is_movable(const Task& task) { return task.cpus_.count() > 1; }
  [[nodiscard]] static uint32_t weight_of(const Task& task);
  [[nodiscard]] static CpuSet allowed(const Task& task);

  // Placement (scheduler.cpp).
  static Cpu& choose(const Task& task);
  static void place(Task& task, Cpu& target);
  static void unplace(Task& task, Cpu& cpu);
  static void kick(Cpu& target);

  // The run queue of the executing CPU (scheduler.cpp).
  static void insert(Cpu& cpu, Task& task, Policy::Position position);
  static void charge_running(Cpu& cpu, Task& arriving);
  static void change_class(Cpu& cpu, Task& task);
  static void take_out(Cpu& cpu, Task& task);
  static Task* take_next(Cpu& cpu);
  static void collect(Cpu& cpu);
  static void look_around(Cpu& cpu, Task& self);
  static void charge(Cpu& cpu, Task& self, hal::Ticks now);
  static void requeue(Cpu& cpu, Task& self, Policy::Position position);
  static void run_others(Task& self);
  static void borrow_boot_stack(Cpu& cpu, Task& self);
  static void begin(Cpu& cpu, Task& next);
  static void limit(Cpu& cpu, Task& current);
  static void switch_to(Cpu& cpu, Task& self, Task& next);
  static void finish_switch();
  static void idle(Cpu& cpu);

  // Between CPUs (balance.cpp).
  static void advertise(Cpu& cpu);
  static void ask_for_work(Cpu& cpu);
  static void offer_work(Cpu& cpu);
  static void serve_requests(Cpu& cpu);
  static void send_away(Cpu& cpu, Task& task);
  static Cpu* better_cpu(const Cpu& here, const Task& self, hal::Ticks now);

  // Tasks and owners (task.cpp).
  static void first_run(void* task);
  static hal::Result<void, TaskError> admit(Task& task);
  static hal::Result<void, TaskError> dedicate(Task& task, CpuSet candidates);
  static bool is_needed_by_others(hal::CpuIndex index);
};

}  // namespace task
