// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "hal/timer.hpp"

namespace vmm {

// The time of one VM. It is the machine's, less the times for which the guest stood still, unless the VM's file has it run
// through them:
//
//     guest's counters = host time, hal::Timer::now(), - offset()
//
// Thread-safe for readers; the VM's manager moves it while no vCPU is loaded, and tells each vCPU the new offset then
// (hal::Vcpu::set_counter_offset()). The wall clock is none of it: a real-time clock goes on.
class GuestClock {
 public:
  explicit GuestClock(bool stops) : stops_(stops) {}

  [[nodiscard]] uint64_t offset() const { return offset_.load(std::memory_order_relaxed); }
  // What the guest's counters show at `host`.
  [[nodiscard]] hal::Ticks at(hal::Ticks host) const {
    const hal::Ticks paused = paused_at_.load(std::memory_order_relaxed);
    return (stops_ && paused != hal::never ? paused : host) - offset();
  }
  // When the machine's counter shows what theirs do at `deadline`, if the guest does not stand still before.
  [[nodiscard]] hal::Ticks to_host(hal::Ticks deadline) const {
    return deadline > hal::never - offset() ? hal::never : deadline + offset();
  }

  void pause(hal::Ticks host) { paused_at_.store(host, std::memory_order_relaxed); }
  // Returns how far the guest's counters have moved since pause().
  hal::Ticks resume(hal::Ticks host) {
    const hal::Ticks stood_still = host - paused_at_.exchange(hal::never, std::memory_order_relaxed);
    if (!stops_) return stood_still;
    offset_.fetch_add(stood_still, std::memory_order_relaxed);
    return 0;
  }
  // As at power-on.
  void reset() {
    offset_.store(0, std::memory_order_relaxed);
    paused_at_.store(hal::never, std::memory_order_relaxed);
  }

 private:
  const bool stops_;
  std::atomic<uint64_t> offset_{0};
  std::atomic<hal::Ticks> paused_at_{hal::never};
};

}  // namespace vmm
