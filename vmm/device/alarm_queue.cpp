// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/alarm_queue.hpp"

#include <algorithm>

namespace vmm {

void AlarmQueue::set(uint64_t deadline, AlarmClient& client) {
  if (!client.is_linked()) {
    client.round_ = round_;
    clients_.push_back(client);
  }
  client.deadline_ = deadline;
}

uint64_t AlarmQueue::first() {
  uint64_t first = DeviceTimer::never;
  for (const AlarmClient& client : clients_) first = std::min(first, client.deadline_);
  return first;
}

AlarmClient* AlarmQueue::take_due(uint64_t now) {
  for (AlarmClient& client : clients_) {
    if (client.round_ == round_ || now < client.deadline_) continue;
    client.round_ = round_;
    client.deadline_ = DeviceTimer::never;
    return &client;
  }
  return nullptr;
}

}  // namespace vmm
