// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/timer.hpp"

namespace task {

class Task;
struct WaitTag {};

// Tasks that wait for something, first come first served.
//
//     if (queue.wait_until(deadline, [&] { return ready; })) ...        // the waiter
//     ready = true; queue.wake_one();                                   // whoever makes it true, on any CPU
//
// No wake-up is lost: the condition is tested under the queue's lock (rank wait_queue), and wake_*() takes that lock
// after the caller made the condition true. Each wake_one() wakes exactly one waiter, which tests the condition again.
// The condition is short, does not block, and takes only locks of a higher rank. Waiting is for tasks, waking for
// anybody.
class WaitQueue {
 public:
  constexpr WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // Return once `condition()` holds.
  template <class Condition>
  void wait(Condition condition) {
    lock_.lock();
    while (!condition()) block();
    lock_.unlock();
  }
  // Return true once `condition()` holds, false when it does not at `deadline`.
  template <class Condition>
  [[nodiscard]] bool wait_until(hal::Ticks deadline, Condition condition) {
    lock_.lock();
    bool met = condition();
    while (!met) {
      const bool in_time = block_until(deadline);
      met = condition();
      if (!in_time) break;
    }
    lock_.unlock();
    return met;
  }

  // Wake the task that waits longest. False when nobody waits.
  bool wake_one();
  // Wake this task if it waits here.
  bool wake(Task& task);
  // Wake everybody; returns how many.
  unsigned wake_all();

  [[nodiscard]] unsigned waiting() const;

 private:
  friend class Task;
  // Enqueue the current task, let go of the lock, run others; the lock is held again on return.
  void block() PLINTH_REQUIRES(lock_);
  bool block_until(hal::Ticks deadline) PLINTH_REQUIRES(lock_);
  static void time_out(void* waiter);
  bool wake_if(Task& task, bool timed_out) PLINTH_EXCLUDES(lock_);

  mutable hal::SpinLock lock_{hal::LockRank::wait_queue};
  hal::List<Task, WaitTag> waiters_ PLINTH_GUARDED_BY(lock_);
};

}  // namespace task
