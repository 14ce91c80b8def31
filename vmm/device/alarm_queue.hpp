// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/list.hpp"
#include "vmm/device/device_timer.hpp"

namespace vmm {

// The alarms of a VM's devices, any number of them: each client is its own place in the list. Guarded by its owner's
// lock. It outlives its clients, which leave it when they are destroyed; nobody sets or takes an alarm by then.
class AlarmQueue {
 public:
  void set(uint64_t deadline, AlarmClient& client);
  // The earliest; DeviceTimer::never: none.
  [[nodiscard]] uint64_t first();
  // Those that are due, one after the other: within a round each client comes up at most once, so that a device whose
  // guest sets one alarm after another keeps nobody here. Null: no more. The caller calls the client without the lock.
  void begin_round() { ++round_; }
  [[nodiscard]] AlarmClient* take_due(uint64_t now);

 private:
  hal::List<AlarmClient, AlarmClient> clients_;
  uint32_t round_ = 0;
};

}  // namespace vmm
