// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "hal/base/list.hpp"
#include "hal/base/result.hpp"
#include "hal/cpu.hpp"
#include "hal/cpu_local.hpp"
#include "hal/timer.hpp"
#include "mm/error.hpp"
#include "mm/host_space.hpp"
#include "task/cpu_set.hpp"
#include "task/pairing_heap.hpp"
#include "task/policy.hpp"
#include "task/wait_queue.hpp"

namespace task {

enum class TaskState : uint8_t {
  ready,     // in a run queue or on its way to one
  running,   // the current task of a CPU
  blocked,   // in a wait queue
  finished,  // its entry function returned; join() takes it away
};
[[nodiscard]] std::string_view name(TaskState state);

enum class TaskError : uint8_t {
  out_of_memory,
  no_cpu,     // no CPU of its set is online
  cpu_taken,  // every CPU of its set is dedicated to somebody else, or a task that has only that CPU is in the way
};
[[nodiscard]] std::string_view name(TaskError error);

// Called on the CPU in question, with interrupts masked and no lock held, just before the context switch. Either may be
// null. A vCPU needs them only for what cannot wait until it enters its guest: registers stay loaded until another vCPU
// takes the CPU (hal::CpuLocal::loaded_guest).
struct SwitchHooks {
  void (*out)(void* argument) = nullptr;
  void (*in)(void* argument) = nullptr;
};

struct TaskSpec {
  std::string_view name{};  // copied; cut to 31 bytes
  void (*entry)(void* argument) = nullptr;
  void* argument = nullptr;
  Scheduling scheduling{};
  CpuSet cpus = CpuSet::all();
  SwitchHooks hooks{};
  uint64_t stack_size = 16 * hal::kib;
};

struct TaskTimes {
  hal::Ticks run = 0;       // on a CPU
  hal::Ticks wait = 0;      // ready, but not running ("steal" of a vCPU)
  uint64_t steals = 0;      // times its CPU was taken from it
  uint64_t switches = 0;    // times it was given a CPU
  uint64_t migrations = 0;  // of these, on another CPU than before
};

struct AllTasksTag {};
class Cpu;

// A thread of the hypervisor: cooperative, on a stack of its own. A vCPU is a task whose entry function enters its
// guest in a loop; a tick or a wake-up makes the guest exit, and the loop calls reschedule().
//
//                  spawn()
//                     v        picked
//     +----------> ready  ---------------> running ----> finished ---join()--> gone
//     | wake_*()      ^ yield, preempted     |  |
//     |               +----------------------+  | WaitQueue::wait()
//     +---------------- blocked <---------------+
class Task : public hal::ListNode<AllTasksTag>,
             public hal::ListNode<WaitTag>,
             public hal::ListNode<RunQueueTag>,
             public PairingNode<RunQueueTag> {
 public:
  static constexpr size_t name_capacity = 31;

  [[nodiscard]] std::string_view name() const { return name_.data(); }
  [[nodiscard]] void* argument() const { return argument_; }
  [[nodiscard]] const Scheduling& scheduling() const { return scheduling_; }
  [[nodiscard]] CpuSet cpus() const { return cpus_; }
  [[nodiscard]] TaskState state() const { return state_.load(std::memory_order_relaxed); }
  // Does it run, but sleeps in doze()?
  [[nodiscard]] bool is_dozing() const { return dozes_since_.load(std::memory_order_relaxed) != 0; }
  // Are its registers in a CPU, because it runs there or because nobody has taken the CPU from it yet?
  [[nodiscard]] bool is_on_cpu() const { return on_cpu_.load(std::memory_order_acquire); }
  // Does it run as a service, or will from its next turn on?
  [[nodiscard]] bool is_promoted() const {
    return wanted_class_.load(std::memory_order_relaxed) != scheduling_.scheduling_class;
  }
  // Where it runs, or ran last.
  [[nodiscard]] hal::CpuIndex cpu() const { return cpu_.load(std::memory_order_relaxed); }
  // Times so far, up to the switch that may be happening on another CPU.
  [[nodiscard]] TaskTimes times() const;
  [[nodiscard]] hal::HostVirtRange stack() const { return stack_.range(); }

 private:
  friend class Cpu;
  friend class WaitQueue;
  friend class FifoPolicy;
  friend class FixedPolicy;
  friend class FairPolicy;
  friend struct Scheduler;

 public:
  // For spawn() and for the task that stands for a CPU's boot context.
  struct Key {
   private:
    friend struct Scheduler;
    friend class Cpu;
    constexpr Key() = default;
  };
  Task(Key, const TaskSpec& spec, mm::Stack stack);

 private:
  hal::Cpu::Context context_;
  void (*entry_)(void*);
  void* argument_;
  SwitchHooks hooks_;
  Scheduling scheduling_;
  CpuSet cpus_;

  std::atomic<TaskState> state_{TaskState::blocked};
  // From the moment it is picked until its registers are saved. While set, a wake-up leaves it on cpu_.
  std::atomic<bool> on_cpu_{false};
  std::atomic<bool> finished_{false};
  std::atomic<SchedulingClass> wanted_class_;  // its own, or service while it is promoted
  SchedulingClass class_;                      // in which it is queued or runs: the one wanted when it was queued last
  bool timed_out_ = false;                     // wait_until(): woken by its timer; guarded by the wait queue
  std::atomic<hal::CpuIndex> cpu_{0};
  Task* inbox_next_ = nullptr;  // in a CPU's inbox

  // Written by whoever is responsible for the task: its CPU while it runs or is queued there, the one that wakes it
  // otherwise.
  int64_t virtual_runtime_ = 0;            // FairPolicy: queued or running, on the CPU's clock; otherwise the lag
  const FairPolicy* left_ = nullptr;       // FairPolicy: whose clock the lag was taken from, to be compared only
  int64_t left_at_ = 0;                    // and what that clock said
  hal::Ticks turn_began_ = 0;              // running: the present slice
  bool takes_turns_ = false;               // on its way to another CPU without having slept
  hal::Ticks arrived_at_ = 0;              // on this CPU
  std::atomic<hal::Ticks> changed_at_{0};  // when it became what state_ says, or was charged last
  std::atomic<hal::Ticks> dozes_since_{0};  // 0: it does not
  std::atomic<hal::Ticks> run_{0};
  std::atomic<hal::Ticks> wait_{0};
  std::atomic<uint64_t> steals_{0};
  std::atomic<uint64_t> switches_{0};
  std::atomic<uint64_t> migrations_{0};

  WaitQueue joiners_;
  mm::Stack stack_;
  std::array<char, name_capacity + 1> name_{};
};

// --- for any task ----------------------------------------------------------------------------------------------------

// Create a task and make it ready. It is the caller's duty to join() it, unless it never ends. Any CPU; takes memory.
hal::Result<Task*, TaskError> spawn(const TaskSpec& spec);
// Wait until `task` has finished, then free it and its stack. One caller per task, never the task itself.
void join(Task& task);

// The task that runs on this CPU. In an upcall it is the one that was interrupted, or none of those that spawn() made
// where the CPU was idle.
[[nodiscard]] Task& current();
// Let others of the same class or better run, and collect pending interrupts. Returns at once when there is nobody. No
// effect in the context a CPU came up with.
void yield();
// The same for long work that a guest's task does as its guest: it keeps the CPU until its slice ends or a better task is
// ready, as a guest of its class does. A service yields.
void make_way();
// Never returns; join() takes the rest away. The entry function's return does the same.
[[noreturn]] void exit();

// --- for the loop of a vCPU ------------------------------------------------------------------------------------------

// Something to schedule came up on this CPU. One load; see hal::CpuLocal::resched for assembler. To be asked with
// interrupts masked, last thing before the guest is entered: whatever comes later interrupts the guest.
[[nodiscard]] inline bool resched_needed() {
  return static_cast<const hal::CpuLocal*>(hal::Cpu::local())->resched.load(std::memory_order_relaxed) != 0;
}
// Answer it: lets a better task run, if there is one, and returns when it is this task's turn again.
void reschedule();
// Make a task look around: if it runs in a guest, that guest exits soon. Does not wake a blocked task. Any CPU.
void interrupt(const Task& task);

// The short way to wait for an interrupt, for a task that nobody wakes but by interrupt(): sleep here, as the task that
// runs, until `word` is not 0. False where that is not so yet: somebody else is to run, or may be. Then wait in a queue.
// Whoever sets `word` calls interrupt() after it. Time asleep is not run time.
[[nodiscard]] bool doze(const std::atomic<uint32_t>& word);

// From now on a task runs as a service does, before every guest, wherever it waits for a CPU at this moment: for a vCPU
// whose end or rest somebody waits for. demote() puts it back from its next turn on. Any CPU; the two are not called
// concurrently for one task.
void promote(Task& task);
void demote(Task& task);

// --- for the shell ---------------------------------------------------------------------------------------------------

[[nodiscard]] uint64_t task_count();
// Calls visit(task, context) for each task under a lock: short, no waiting.
void for_each_task(void (*visit)(const Task& task, void* context), void* context);

}  // namespace task
