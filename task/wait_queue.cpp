// SPDX-License-Identifier: Apache-2.0
#include "task/wait_queue.hpp"

#include "task/scheduler.hpp"
#include "task/task.hpp"
#include "task/timer.hpp"

namespace task {
namespace {

using Waiters = hal::List<Task, WaitTag>;

struct Waiter {
  WaitQueue& queue;
  Task& task;
};

}  // namespace

void WaitQueue::block() {
  Task& self = current();
  Scheduler::prepare_to_block(self);
  waiters_.push_back(self);
  lock_.unlock();
  Scheduler::block(self);
  lock_.lock();
}

bool WaitQueue::block_until(hal::Ticks deadline) {
  Task& self = current();
  Waiter waiter{*this, self};
  Timer timer(time_out, &waiter);
  self.timed_out_ = false;
  Scheduler::prepare_to_block(self);
  waiters_.push_back(self);
  if (deadline != hal::never) timer.arm(deadline);
  lock_.unlock();
  Scheduler::block(self);
  timer.cancel();
  lock_.lock();
  return !self.timed_out_;
}

void WaitQueue::time_out(void* context) {
  const Waiter& waiter = *static_cast<Waiter*>(context);
  Task& task = waiter.task;
  waiter.queue.wake_if(task, true);
}

// A task that waits is in exactly one queue, and its timer is cancelled before it enters another: linked means linked
// here.
bool WaitQueue::wake_if(Task& task, bool timed_out) {
  {
    const hal::LockGuard guard(lock_);
    hal::ListNode<WaitTag>& node = task;
    if (!node.is_linked()) return false;
    node.unlink();
    task.timed_out_ = timed_out;
  }
  Scheduler::make_ready(task);
  return true;
}

bool WaitQueue::wake_one() {
  lock_.lock();
  Task* const task = waiters_.pop_front();
  lock_.unlock();
  if (task == nullptr) return false;
  Scheduler::make_ready(*task);
  return true;
}

bool WaitQueue::wake(Task& task) {
  {
    const hal::LockGuard guard(lock_);
    bool here = false;
    for (const Task& waiter : waiters_) here = here || &waiter == &task;
    if (!here) return false;
    Waiters::remove(task);
  }
  Scheduler::make_ready(task);
  return true;
}

// Those that wait now: who wakes, finds nothing and waits again is not woken twice.
unsigned WaitQueue::wake_all() {
  unsigned count = waiting();
  unsigned woken = 0;
  while (count-- > 0 && wake_one()) ++woken;
  return woken;
}

unsigned WaitQueue::waiting() const {
  const hal::LockGuard guard(lock_);
  return static_cast<unsigned>(waiters_.size());
}

}  // namespace task
