// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "hal/timer.hpp"
#include "task/wait_queue.hpp"
#include "vmm/console/console.hpp"

namespace vmm {

// A doorbell with one task behind it. It may be rung before that task waits, and often: it is heard once.
class TaskBell final : public Doorbell {
 public:
  constexpr TaskBell() = default;

  void ring() override {
    if (rung_.exchange(true, std::memory_order_acq_rel)) return;
    queue_.wake_one();
  }
  // Return when it was rung since the last wait, or at `deadline`.
  void wait_until(hal::Ticks deadline) {
    if (deadline == hal::never) {
      queue_.wait([this] { return heard(); });
    } else {
      (void)queue_.wait_until(deadline, [this] { return heard(); });
    }
  }

 private:
  bool heard() { return rung_.exchange(false, std::memory_order_acq_rel); }

  std::atomic<bool> rung_{false};
  task::WaitQueue queue_;
};

}  // namespace vmm
