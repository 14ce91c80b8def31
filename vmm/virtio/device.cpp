// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/device.hpp"

#include <algorithm>
#include <bit>

#include "hal/base/panic.hpp"

namespace vmm::virtio {

VirtioDevice::VirtioDevice(DeviceType type, std::string_view name, const DeviceSite& site, uint64_t features,
                           std::initializer_list<uint16_t> queue_sizes)
    : name_(name),
      type_(type),
      offered_(features | core_features),
      owner_(site.owner),
      worker_(site.worker),
      memory_(site.memory) {
  if (queue_sizes.size() > max_queues) hal::panic("a virtio device has more queues than there is room for");
  for (const uint16_t size : queue_sizes) max_sizes_[queue_count_++] = size;
  worker_.employ();
  const hal::LockGuard guard(lock);
  reset_registers();
}

// --- features and status ---------------------------------------------------------------------------------------------

uint32_t VirtioDevice::offered_features(uint32_t word) const {
  return word < 2 ? static_cast<uint32_t>(offered_ >> (word * 32)) : 0;
}

uint32_t VirtioDevice::accepted_features(uint32_t word) const {
  return word < 2 ? static_cast<uint32_t>(accepted_ >> (word * 32)) : 0;
}

void VirtioDevice::accept_features(uint32_t word, uint32_t bits) {
  if ((status_ & status::features_ok) != 0) return;
  if (word >= 2) {
    // None is offered there.
    beyond_ = bits != 0;
    return;
  }
  accepted_ = (accepted_ & ~(uint64_t{0xffff'ffff} << (word * 32))) | uint64_t{bits} << (word * 32);
}

// 2.2.2, 6.2: what was not offered is refused, and so is a driver that knows only devices before version 1.
void VirtioDevice::agree_on_features() {
  const bool offered = (accepted_ & ~offered_) == 0 && !beyond_;
  if (offered && (accepted_ & feature::version_1) != 0 && features_are_acceptable(accepted_)) {
    status_ |= status::features_ok;
  }
}

void VirtioDevice::set_status(uint8_t wanted) {
  if (wanted == 0) return reset_registers();
  const uint8_t added = wanted & ~status_;
  status_ |= added & (status::acknowledge | status::driver | status::failed);
  if ((added & status::features_ok) != 0) agree_on_features();
  // Ready without having agreed is not ready (3.1.1).
  if ((added & status::driver_ok) == 0 || (status_ & status::features_ok) == 0) return;
  status_ |= status::driver_ok;
  start(accepted_);
}

bool VirtioDevice::is_running() const {
  constexpr uint8_t mask = status::driver_ok | status::needs_reset | status::failed;
  return (status_ & mask) == status::driver_ok;
}

void VirtioDevice::reset_registers() {
  if ((status_ & status::driver_ok) != 0) stop();
  status_ = 0;
  accepted_ = 0;
  beyond_ = false;
  behind_ = 0;
  memory_.forget();
  for (unsigned index = 0; index < queue_count_; ++index) {
    queues_[index].reset();
    queues_[index].setup.size = max_sizes_[index];
  }
}

void VirtioDevice::power_on() {
  const hal::LockGuard guard(lock);
  reset_registers();
  reports_ = 0;
}

// --- queues ----------------------------------------------------------------------------------------------------------

uint16_t VirtioDevice::queue_max_size(uint32_t queue) const { return queue < queue_count_ ? max_sizes_[queue] : 0; }

Queue::Setup* VirtioDevice::queue_setup(uint32_t queue) {
  return queue < queue_count_ && !queues_[queue].is_enabled() ? &queues_[queue].setup : nullptr;
}

const Queue::Setup* VirtioDevice::queue_registers(uint32_t queue) const {
  return queue < queue_count_ ? &queues_[queue].setup : nullptr;
}

bool VirtioDevice::queue_is_enabled(uint32_t queue) const {
  return queue < queue_count_ && queues_[queue].is_enabled();
}

void VirtioDevice::enable_queue(uint32_t queue) {
  if (queue >= queue_count_ || queues_[queue].is_enabled()) return;
  if ((status_ & status::features_ok) == 0)
    return break_because("a queue is enabled before the features are agreed on");
  const bool event_idx = (accepted_ & feature::event_idx) != 0;
  const bool indirect = (accepted_ & feature::indirect_descriptors) != 0;
  if (!queues_[queue].enable(max_sizes_[queue], event_idx, indirect)) break_because("a queue of an impossible setup");
}

void VirtioDevice::reset_queue(uint32_t queue) {
  if (queue >= queue_count_) return;
  if (queues_[queue].is_enabled()) stop_queue(static_cast<uint16_t>(queue));
  behind_ &= ~(1U << queue);
  queues_[queue].reset();
  queues_[queue].setup.size = max_sizes_[queue];
}

void VirtioDevice::notify(uint32_t index) {
  if (index >= queue_count_) return;
  counts_.notifications.fetch_add(1, std::memory_order_relaxed);
  go_on(static_cast<uint16_t>(index));
  after_work();
}

void VirtioDevice::go_on(uint16_t index) {
  for (uint64_t done = 0;; done += piece) {
    const hal::LockGuard guard(lock);
    const uint32_t bit = 1U << index;
    // The worker is at it, and sees what is new.
    if (!is_running() || (behind_ & bit) != 0) return;
    Budget budget(piece);
    if (!serve_queue(index, budget)) return;
    if (done + piece < per_exit) continue;
    behind_ |= bit;
    return worker_.post(*this);
  }
}

bool VirtioDevice::work() {
  const bool more = work_on_a_piece();
  after_work();
  return more;
}

bool VirtioDevice::work_on_a_piece() {
  const hal::LockGuard guard(lock);
  if (!is_running()) behind_ = 0;
  if (behind_ == 0) return false;
  const auto index = static_cast<uint16_t>(std::countr_zero(behind_));
  Budget budget(piece);
  if (!serve_queue(index, budget)) behind_ &= ~(1U << index);
  return behind_ != 0;
}

bool VirtioDevice::serve_queue(uint16_t index, Budget& budget) {
  Queue& queue = queues_[index];
  if (!is_running() || !queue.is_enabled()) return false;
  while (true) {
    const Served served = serve(index, budget);
    publish(index);
    // Only who has taken everything needs to be told of more.
    const bool asked_in_vain = served == Served::all && queue.ask_for_notification(memory_);
    if (!queue.fault().empty()) break_because(queue.fault());
    if (!is_running() || served == Served::waits) return false;
    if (served == Served::more) return true;
    if (!asked_in_vain) return false;
    if (budget.is_spent()) return true;
  }
}

void VirtioDevice::publish(uint16_t index) {
  if (!queues_[index].publish(memory_)) return;
  counts_.interrupts.fetch_add(1, std::memory_order_relaxed);
  signals_->used_buffer(index);
}

// --- configuration ---------------------------------------------------------------------------------------------------

void VirtioDevice::read_configuration(uint32_t offset, std::span<std::byte> bytes) {
  std::ranges::fill(bytes, std::byte{0});
  const std::span<const std::byte> all = configuration();
  if (offset >= all.size()) return;
  const std::span<const std::byte> there = all.subspan(offset, std::min(bytes.size(), all.size() - offset));
  std::ranges::copy(there, bytes.begin());
}

void VirtioDevice::write_configuration(uint32_t offset, std::span<const std::byte> bytes) { configure(offset, bytes); }

// 2.4: a driver that sees the same number before and after it read several fields has seen them together.
void VirtioDevice::configuration_changed() {
  ++generation_;
  if ((status_ & status::driver_ok) != 0) signals_->configuration_changed();
}

void VirtioDevice::break_because(std::string_view why) {
  if ((status_ & status::needs_reset) != 0) return;
  status_ |= status::needs_reset;
  behind_ = 0;
  counts_.errors.fetch_add(1, std::memory_order_relaxed);
  // One that does it again and again fills no log.
  if (reports_ < max_reports) owner_.report(name_, why);
  ++reports_;
  if ((status_ & status::driver_ok) != 0) signals_->configuration_changed();
}

}  // namespace vmm::virtio
