// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/list.hpp"

namespace vmm {

// A device that asked to be woken at a point in time.
class AlarmClient : public hal::ListNode<class AlarmClient> {
 public:
  // The deadline has passed. Called from any CPU with no lock held; may come late, and once more after the alarm was
  // moved or cancelled: the client compares with now().
  virtual void alarm() = 0;

 protected:
  AlarmClient() = default;
  ~AlarmClient() { unlink(); }

 private:
  friend class AlarmQueue;
  uint64_t deadline_ = ~uint64_t{0};
  uint32_t round_ = 0;
};

// Time as one device sees it: a counter that only grows, and one alarm. The VM's owner supplies it (over task's timers
// in the kernel, a plain number in tests). Callable with the device's lock held.
class DeviceTimer {
 public:
  static constexpr uint64_t never = ~uint64_t{0};

  virtual uint64_t now() = 0;        // ticks since an arbitrary start
  virtual uint64_t frequency() = 0;  // ticks per second, constant, not 0
  // Call client.alarm() at `deadline` (in ticks; a past one means soon), replacing the deadline set before. `never`
  // cancels.
  virtual void set_alarm(uint64_t deadline, AlarmClient& client) = 0;

 protected:
  ~DeviceTimer() = default;
};

}  // namespace vmm
