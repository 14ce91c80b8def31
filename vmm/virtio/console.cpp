// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/console.hpp"

#include <algorithm>
#include <utility>

namespace vmm::virtio {

namespace {

// 5.3.3 and 5.3.4.
constexpr uint64_t emergency_write = 1 << 2;
constexpr uint32_t config_emergency_write = 8;
constexpr size_t config_max_ports = 4;

}  // namespace

ConsoleDevice::ConsoleDevice(const DeviceSite& site, ConsolePort& port)
    : VirtioDevice(DeviceType::console, "console", site, emergency_write, {queue_size, queue_size}), port_(port) {
  configuration_[config_max_ports] = std::byte{1};
}

VirtioDevice::Served ConsoleDevice::serve(uint16_t queue, Budget& budget) {
  return queue == receive_queue ? serve_receive() : serve_transmit(budget);
}

// --- from the guest --------------------------------------------------------------------------------------------------

VirtioDevice::Served ConsoleDevice::serve_transmit(Budget& budget) {
  while (!budget.is_spent()) {
    if (!sending_) {
      if (queue(transmit).take(memory(), sent_chain_) != Queue::Taken::chain) return Served::all;
      counts_.requests.fetch_add(1, std::memory_order_relaxed);
      budget.spend(Budget::request_cost);
      unsent_ = Cursor(sent_chain_.readable(), DeviceMemory::Use::read);
      sending_ = true;
    }
    if (const Served served = send(budget); sending_) return served;
    if (!is_running()) return Served::all;
  }
  return Served::more;
}

// What is left of the chain, as far as budget and port go. When all of it is sent, it is given back.
VirtioDevice::Served ConsoleDevice::send(Budget& budget) {
  std::array<std::byte, 1> byte;
  while (!unsent_.at_end()) {
    if (budget.is_spent()) return Served::more;
    // The port says when it has room again.
    if (!port_.can_transmit()) return Served::waits;
    if (!unsent_.read(memory(), byte)) {
      sending_ = false;
      break_because("what it sends is not in RAM");
      return Served::all;
    }
    port_.transmit(static_cast<uint8_t>(byte[0]));
    counts_.bytes.fetch_add(1, std::memory_order_relaxed);
    budget.spend(byte_cost);
  }
  sending_ = false;
  queue(transmit).give_back(memory(), sent_chain_.head, 0);
  return Served::all;
}

// 5.3.5.2: one character, also before there is a driver, of which the low byte counts. One that finds no room is lost.
void ConsoleDevice::configure(uint32_t offset, std::span<const std::byte> bytes) {
  if (offset == config_emergency_write && port_.can_transmit()) port_.transmit(static_cast<uint8_t>(bytes[0]));
}

// --- to the guest ----------------------------------------------------------------------------------------------------

size_t ConsoleDevice::receive(std::span<const uint8_t> bytes) {
  const hal::LockGuard guard(lock);
  typed_ = bytes;
  Budget budget(piece);
  // It is not spent: each round takes a byte at least.
  [[maybe_unused]] const bool more = serve_queue(receive_queue, budget);
  const size_t taken = bytes.size() - typed_.size();
  typed_ = {};
  refused_ = taken < bytes.size();
  return taken;
}

// From a notification nothing is taken: there are buffers now, and that is the port's to hear.
VirtioDevice::Served ConsoleDevice::serve_receive() {
  if (typed_.empty()) {
    if (std::exchange(refused_, false)) port_.receive_ready();
    return Served::waits;
  }
  while (!typed_.empty()) {
    if (queue(receive_queue).take(memory(), received_chain_) != Queue::Taken::chain) return Served::all;
    const size_t count = std::min<uint64_t>(typed_.size(), received_chain_.writable_bytes);
    Cursor to(received_chain_.writable(), DeviceMemory::Use::write);
    if (count == 0 || !to.write(memory(), std::as_bytes(typed_.first(count)))) {
      break_because("a buffer for what is typed is not in RAM");
      return Served::all;
    }
    queue(receive_queue).give_back(memory(), received_chain_.head, static_cast<uint32_t>(count));
    typed_ = typed_.subspan(count);
  }
  return Served::waits;
}

// Requests and written bytes are what the guest sent.
void ConsoleDevice::report(DeviceReport& report) const {
  const auto count = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  report.requests = count(counts().requests);
  report.written_bytes = count(counts().bytes);
  report.notifications = count(counts().notifications);
  report.interrupts = count(counts().interrupts);
  report.errors = count(counts().errors);
}

}  // namespace vmm::virtio
