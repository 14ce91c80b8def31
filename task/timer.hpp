// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "hal/base/lock.hpp"
#include "hal/timer.hpp"
#include "task/pairing_heap.hpp"

namespace task {

class TimerQueue;

// Calls a function once at an instant, in hal::upcall::timer_expired() of the CPU on which it was armed: short, must
// not block, and may arm the same timer again. Never fires early.
//
// Armed at most once at a time. arm() and cancel() of one timer are not called concurrently with each other (its
// owner's lock sees to that); cancel() may be called on any CPU.
class Timer : public PairingNode<> {
 public:
  using Callback = void (*)(void* context);
  constexpr Timer(Callback callback, void* context) : callback_(callback), context_(context) {}
  // An armed timer is cancelled first.
  ~Timer() { cancel(); }

  // Fire on this CPU at `deadline`; a past one fires at once. Re-arming an armed timer moves it (and brings it here).
  void arm(hal::Ticks deadline);
  // On return it neither runs nor will run. The caller holds no lock that the callback takes. Not from the callback.
  void cancel();

  [[nodiscard]] bool is_armed() const { return queue_.load(std::memory_order_acquire) != nullptr; }
  // Of an armed timer.
  [[nodiscard]] hal::Ticks deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  Callback callback_;
  void* context_;
  hal::Ticks deadline_ = hal::never;
  std::atomic<TimerQueue*> queue_{nullptr};  // where it is armed or was armed last and runs now
};

// The timers of one CPU, and that CPU's hardware deadline: the earlier of the first timer and the end of the slice.
class TimerQueue {
 public:
  constexpr TimerQueue() = default;

  // On the queue's own CPU:
  void add(Timer& timer, hal::Ticks deadline);
  // Run what is due. Called from hal::upcall::timer_expired().
  void expire(hal::Ticks now);
  // When the running task's slice ends; hal::never when it has no competitor, and then there is no tick.
  void set_slice_end(hal::Ticks end);
  [[nodiscard]] hal::Ticks slice_end() const { return slice_end_; }

  // On any CPU:
  void cancel(Timer& timer);

 private:
  struct Earlier {
    bool operator()(const Timer& a, const Timer& b) const;
  };
  void program() PLINTH_REQUIRES(lock_);

  hal::SpinLock lock_{hal::LockRank::timer_queue};
  PairingHeap<Timer, Earlier> timers_ PLINTH_GUARDED_BY(lock_);
  std::atomic<Timer*> running_{nullptr};  // whose callback runs now
  hal::Ticks slice_end_ = hal::never;     // touched by the owning CPU only
  hal::Ticks programmed_ = hal::never;    // what the hardware was told last
};

// Block the current task until `deadline`.
void sleep_until(hal::Ticks deadline);

}  // namespace task
