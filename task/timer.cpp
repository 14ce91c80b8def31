// SPDX-License-Identifier: Apache-2.0
#include "task/timer.hpp"

#include <algorithm>

#include "hal/base/lock.hpp"
#include "task/cpu.hpp"
#include "task/wait_queue.hpp"

namespace task {

// --- Timer -----------------------------------------------------------------------------------------------------------

void Timer::arm(hal::Ticks deadline) {
  TimerQueue& here = this_cpu().timers();
  TimerQueue* const queue = queue_.load(std::memory_order_acquire);
  if (queue != nullptr && queue != &here) queue->cancel(*this);
  here.add(*this, deadline);
}

void Timer::cancel() {
  while (TimerQueue* const queue = queue_.load(std::memory_order_acquire)) queue->cancel(*this);
}

// --- TimerQueue ------------------------------------------------------------------------------------------------------

bool TimerQueue::Earlier::operator()(const Timer& a, const Timer& b) const { return a.deadline_ < b.deadline_; }

void TimerQueue::add(Timer& timer, hal::Ticks deadline) {
  const hal::LockGuard guard(lock_);
  if (timer.is_queued()) timers_.remove(timer);
  timer.deadline_ = deadline;
  timer.queue_.store(this, std::memory_order_release);
  timers_.push(timer);
  program();
}

// The hardware is not told: an interrupt too many costs less than a message to the other CPU.
void TimerQueue::cancel(Timer& timer) {
  {
    const hal::LockGuard guard(lock_);
    if (timer.queue_.load(std::memory_order_relaxed) != this) return;
    if (timer.is_queued()) timers_.remove(timer);
    if (running_.load(std::memory_order_relaxed) != &timer) {
      timer.queue_.store(nullptr, std::memory_order_release);
      return;
    }
  }
  while (running_.load(std::memory_order_acquire) == &timer) hal::cpu_relax();
}

void TimerQueue::expire(hal::Ticks now) {
  if (slice_end_ <= now) {
    slice_end_ = hal::never;
    this_cpu().resched.store(1, std::memory_order_relaxed);
  }
  lock_.lock();
  while (Timer* const timer = timers_.top()) {
    if (timer->deadline_ > now) break;
    timers_.remove(*timer);
    running_.store(timer, std::memory_order_relaxed);
    lock_.unlock();
    timer->callback_(timer->context_);
    lock_.lock();
    // Its owner waits in cancel() before it lets go of the timer, and it may have been armed again.
    if (!timer->is_queued()) timer->queue_.store(nullptr, std::memory_order_release);
    running_.store(nullptr, std::memory_order_release);
  }
  // The interrupt stays asserted until the hardware gets another deadline.
  programmed_ = 0;
  program();
  lock_.unlock();
}

void TimerQueue::set_slice_end(hal::Ticks end) {
  if (slice_end_ == end) return;
  slice_end_ = end;
  const hal::LockGuard guard(lock_);
  program();
}

void TimerQueue::program() {
  const Timer* const first = timers_.top();
  const hal::Ticks next = first == nullptr ? slice_end_ : std::min(first->deadline_, slice_end_);
  if (next == programmed_) return;
  programmed_ = next;
  hal::Timer::set_deadline(next);
}

void sleep_until(hal::Ticks deadline) {
  WaitQueue nobody;
  (void)nobody.wait_until(deadline, [] { return false; });
}

}  // namespace task
