// SPDX-License-Identifier: Apache-2.0
#include "vmm/net/network.hpp"

#include <algorithm>
#include <bit>

#include "hal/base/address.hpp"

namespace vmm::net {

namespace {

void count(std::atomic<uint64_t>& counter, uint64_t by = 1) { counter.fetch_add(by, std::memory_order_relaxed); }
constexpr uint32_t bit(unsigned port) { return uint32_t{1} << port; }

}  // namespace

// --- ports -----------------------------------------------------------------------------------------------------------

std::string_view Network::plug(Port& port) {
  const hal::LockGuard guard(lock_);
  for (const Port* const other : ports_) {
    if (other != nullptr && other->config().address == port.config().address) return "another card has its address";
  }
  Port** const place = std::ranges::find(ports_, nullptr);
  if (place == ports_.end()) return "its network has no place left";
  *place = &port;
  port.index_ = static_cast<unsigned>(place - ports_.begin());
  return {};
}

void Network::unplug(Port& port) {
  {
    const hal::LockGuard guard(lock_);
    if (ports_[port.index_] != &port) return;
    ports_[port.index_] = nullptr;
    for (Learned& entry : learned_) entry.valid = entry.valid && entry.port != port.index_;
  }
  // Whoever found it before that is in the middle of one frame, or of telling the guest.
  while (port.users_.load(std::memory_order_acquire) != 0) hal::cpu_relax();
}

Port* Network::hold_locked(unsigned index) {
  Port* const port = ports_[index];
  if (port != nullptr) port->users_.fetch_add(1, std::memory_order_relaxed);
  return port;
}

Port* Network::hold(unsigned index) {
  const hal::LockGuard guard(lock_);
  return hold_locked(index);
}

// --- addresses -------------------------------------------------------------------------------------------------------

Network::Learned* Network::find(MacAddress address, DeviceTimer& timer) {
  for (Learned& entry : learned_) {
    if (!entry.valid || !(entry.address == address)) continue;
    entry.valid = timer.now() - entry.used_at < forget_after * timer.frequency();
    return entry.valid ? &entry : nullptr;
  }
  return nullptr;
}

// A new address takes a free place, or that of the one which was silent the longest.
void Network::learn(const Port& from, MacAddress address, DeviceTimer& timer) {
  if (address == from.config().address || address.is_group()) return;
  Learned* entry = find(address, timer);
  if (entry == nullptr) {
    entry = std::ranges::min_element(learned_, {}, [](const Learned& one) { return one.valid ? one.used_at : 0; });
  }
  *entry = {.address = address, .port = static_cast<uint8_t>(from.index_), .valid = true, .used_at = timer.now()};
}

Network::PortSet Network::receivers(const Port& from, MacAddress to, DeviceTimer& timer) {
  PortSet all = 0, bridges = 0;
  for (const Port* const port : ports_) {
    if (port == nullptr || port == &from) continue;
    if (port->config().address == to) return bit(port->index_);
    all |= bit(port->index_);
    if (port->config().is_bridge) bridges |= bit(port->index_);
  }
  if (to.is_group()) return all;
  const Learned* const known = find(to, timer);
  return known == nullptr ? bridges : bit(known->port) & ~bit(from.index_);
}

unsigned Network::learned() {
  const hal::LockGuard guard(lock_);
  return static_cast<unsigned>(std::ranges::count_if(learned_, &Learned::valid));
}

// --- frames ----------------------------------------------------------------------------------------------------------

// A bucket that fills with the rate and holds what a tenth of a second brings, or a few frames.
bool Network::is_within_rate(Port& from, size_t bytes, DeviceTimer& timer) {
  // More than any machine copies, and little enough that no product overflows.
  constexpr uint64_t fastest = 8 * hal::gib;
  const uint64_t rate = std::min(from.config().bytes_per_second, fastest);
  if (rate == 0) return true;
  const uint64_t most = std::max<uint64_t>(rate / 10, 4 * max_frame);
  const uint64_t hz = timer.frequency(), now = timer.now();
  // Beyond a second it is full in any case; counters have less than 2^31 Hz.
  const uint64_t passed = std::min(now - from.reckoned_at_, hz);
  const uint64_t whole = passed * rate / hz;
  if (whole > 0) {
    from.allowance_ = std::min(from.allowance_ + whole, most);
    from.reckoned_at_ = now;
  }
  if (from.allowance_ < bytes) return false;
  from.allowance_ -= bytes;
  return true;
}

bool Network::may_send(Port& from, const Frame& frame, DeviceTimer& timer) {
  const bool own = frame.from == from.config().address;
  if (frame.from.is_group() || (!own && !from.config().is_bridge)) {
    count(from.traffic_.spoofed);
    return false;
  }
  if (!is_within_rate(from, frame.size, timer)) {
    count(from.traffic_.limited);
    return false;
  }
  return true;
}

void Network::send(Port& from, const Frame& frame, DeviceTimer& timer) {
  if (frame.size < header_size || frame.size > max_frame) return count(from.traffic_.malformed);
  std::array<Port*, max_ports> targets;
  size_t target_count = 0;
  {
    const hal::LockGuard guard(lock_);
    if (!may_send(from, frame, timer)) return;
    learn(from, frame.from, timer);
    for (PortSet left = receivers(from, frame.to, timer); left != 0; left &= left - 1) {
      Port* const port = hold_locked(static_cast<unsigned>(std::countr_zero(left)));
      if (port != nullptr) targets[target_count++] = port;
    }
  }
  count(from.traffic_.sent);
  count(from.traffic_.sent_bytes, frame.size);
  for (size_t n = 0; n < target_count; ++n) {
    Port& to = *targets[n];
    if (to.deliver(frame)) {
      count(to.traffic_.received);
      count(to.traffic_.received_bytes, frame.size);
      news_.fetch_or(bit(to.index_), std::memory_order_release);
    } else {
      count(to.traffic_.dropped);
    }
    release(to);
  }
}

void Network::announce() {
  for (PortSet left = news_.exchange(0, std::memory_order_acquire); left != 0; left &= left - 1) {
    Port* const port = hold(static_cast<unsigned>(std::countr_zero(left)));
    if (port == nullptr) continue;
    port->announce();
    release(*port);
  }
}

}  // namespace vmm::net
