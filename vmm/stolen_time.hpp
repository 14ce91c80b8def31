// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/timer.hpp"

namespace vmm {

// For how long a vCPU was ready while its CPU ran others, as its guest is told: counted from the first time that the
// guest asked since it was started. The vCPU's task alone uses it, and its VM's manager while the vCPU is parked.
class StolenTime {
 public:
  // The guest asks, maybe again: a CPU that was off and comes back goes on where it stopped. `waited` is
  // TaskTimes::wait.
  void begin(hal::Ticks waited) {
    if (!since_) since_ = waited;
  }
  // 0 before begin().
  [[nodiscard]] uint64_t nanoseconds(hal::Ticks waited) const {
    return since_ ? hal::nanoseconds(waited - *since_) : 0;
  }
  void reset() { since_.reset(); }

 private:
  std::optional<hal::Ticks> since_;
};

}  // namespace vmm
