// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "hal/base/result.hpp"
#include "hal/cpu.hpp"
#include "hal/cpu_local.hpp"
#include "hal/timer.hpp"
#include "mm/error.hpp"
#include "task/cpu_set.hpp"
#include "task/policy.hpp"
#include "task/task.hpp"
#include "task/timer.hpp"

namespace task {

// One CPU: its run queue, timers and current task. hal::Cpu::local() points at it on its CPU.
//
// The run queue belongs to its CPU alone and has no lock. Another CPU that wakes a task pushes it to the inbox (a
// lock-free stack), sets `resched`, and sends an IPI unless `resched` was set already. The flag is cleared only by the
// owner, before it empties the inbox; so a flag that is set promises that the owner will look there before it enters a
// guest or sleeps.
//
//     other CPUs --push--> inbox --collect()--> run queue: service, dedicated, fixed, fair --> current
class Cpu : public hal::CpuLocal {
 public:
  // `boot_stack` is the one it comes up with; empty for the boot CPU, whose stack is part of the image.
  Cpu(hal::CpuIndex number, mm::Stack boot_stack);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  [[nodiscard]] hal::CpuIndex number() const { return index; }
  [[nodiscard]] Task& current() const { return *static_cast<Task*>(current_task); }
  [[nodiscard]] TimerQueue& timers() { return timers_; }
  // Asleep, waiting for work. Any CPU may ask; the answer is a hint.
  [[nodiscard]] bool is_idle() const { return idle_.load(std::memory_order_relaxed); }
  // The sum of the weights of the tasks that run or want to run here. A hint, too.
  [[nodiscard]] uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  [[nodiscard]] hal::Ticks idle_time() const { return idle_time_.load(std::memory_order_relaxed); }
  // The task that owns this CPU, or null.
  [[nodiscard]] const Task* owner() const { return owner_.load(std::memory_order_relaxed); }

 private:
  friend struct Scheduler;

  // --- read and written by this CPU only ---
  uint32_t ready_classes_ = 0;    // bit per SchedulingClass whose policy is not empty
  uint32_t movable_waiting_ = 0;  // queued tasks that could run elsewhere
  Task* previous_ = nullptr;      // whose registers were saved by the switch that just happened
  Cpu* forward_to_ = nullptr;     // where it is to go now, if it does not stay
  FifoPolicy service_;
  FifoPolicy dedicated_;
  FixedPolicy fixed_;
  FairPolicy fair_;
  std::array<Policy*, scheduling_classes> policies_;
  TimerQueue timers_;
  Task boot_task_;  // the context that this CPU came up with; later its stack serves when a task finished and nobody is
                    // ready

  // --- touched by others ---
  alignas(64) std::atomic<Task*> inbox_{nullptr};
  std::atomic<uint32_t> load_{0};
  std::atomic<bool> idle_{false};       // whoever clears it has claimed this CPU for the task it is about to send
  std::atomic<uint64_t> wanted_{0};     // CPUs that tasks queued here could use; too many for a moment, never too few
  std::atomic<bool> give_work_{false};  // a CPU is idle: send it somebody
  std::atomic<bool> evict_{false};      // this CPU was just dedicated: send everybody else away
  std::atomic<bool> promote_{false};    // a task was promoted that may be queued here
  std::atomic<Task*> owner_{nullptr};
  std::atomic<hal::Ticks> idle_time_{0};
};

// --- bringing CPUs up ------------------------------------------------------------------------------------------------

// On the boot CPU: make the data of CPU `index`. Call for the boot CPU itself first, with an empty stack, then for each
// CPU before it is started (hal::upcall::prepare_cpu() does that). Errors: out_of_memory.
hal::Result<Cpu*, mm::MmError> prepare_cpu(hal::CpuIndex index, mm::Stack boot_stack = {});
// On the CPU itself, once, after its interrupt controller and timer work: from here on hal::Cpu::local() is its data
// and tasks may be placed on it.
void enter_cpu(Cpu& cpu);
// Run tasks for ever. Until it calls this, the context a CPU came up with is a task like others: it may wait.
[[noreturn]] void run();

[[nodiscard]] inline Cpu& this_cpu() { return *static_cast<Cpu*>(hal::Cpu::local()); }
// Null for a CPU that was not prepared.
[[nodiscard]] Cpu* cpu(hal::CpuIndex index);
[[nodiscard]] CpuSet online_cpus();

}  // namespace task
