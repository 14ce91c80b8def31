// SPDX-License-Identifier: Apache-2.0
// Lock order: the device's own lock, then its receive ring's (rank `network_port`). So another VM's device, under its
// own lock, may deliver here without taking ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/lock.hpp"
#include "vmm/device/device_report.hpp"
#include "vmm/net/network.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// Buffers that a driver made available for frames, taken out of its queue: senders fill them in order, and the device
// gives them back in that order.
//
//     given back .. filled_ | filled, to be given back | free .. posted_ |
//
// A buffer of more than max_parts parts is used up to there.
class ReceiveRing {
 public:
  static constexpr unsigned capacity = 256;
  static constexpr unsigned max_parts = 4;

  explicit ReceiveRing(DeviceMemory& memory) : memory_(memory) {}

  hal::SpinLock lock{hal::LockRank::network_port};

  struct Entry {
    uint16_t head = 0;
    uint16_t parts = 0;
    uint32_t written = 0;
    uint32_t size = 0;
    std::array<Buffer, max_parts> buffers;
  };

  [[nodiscard]] bool is_full() const PLINTH_REQUIRES(lock) { return posted_ - given_back_ == capacity; }
  void post(const Chain& chain) PLINTH_REQUIRES(lock);
  // The next one to be given back; null: none is filled.
  [[nodiscard]] const Entry* next_filled() const PLINTH_REQUIRES(lock);
  void gave_back() PLINTH_REQUIRES(lock) { ++given_back_; }

  enum class Filled : uint8_t { yes, no_buffers, no_memory };
  // Header and frame. Several buffers only if they may be `merged`. `no_memory`: the driver's address is not RAM.
  [[nodiscard]] Filled fill(const net::Frame& frame, bool merged, bool takes_partial_checksums) PLINTH_REQUIRES(lock);
  void clear() PLINTH_REQUIRES(lock);

 private:
  [[nodiscard]] Entry& entry(uint32_t index) PLINTH_REQUIRES(lock) { return entries_[index % capacity]; }
  // How many free buffers `bytes` take; 0: there are not enough.
  [[nodiscard]] unsigned buffers_for(size_t bytes, bool merged) PLINTH_REQUIRES(lock);
  class Writer;

  std::array<Entry, capacity> entries_ PLINTH_GUARDED_BY(lock);
  MemoryView memory_ PLINTH_GUARDED_BY(lock);
  uint32_t given_back_ PLINTH_GUARDED_BY(lock) = 0;
  uint32_t filled_ PLINTH_GUARDED_BY(lock) = 0;
  uint32_t posted_ PLINTH_GUARDED_BY(lock) = 0;
};

// 5.1: a network card with one pair of queues and a control queue, plugged into a net::Network.
//
// A frame goes straight from the sender's buffers into the receiver's, in the sender's exit or its VM's device task: the
// sender pays for it. Where the receiver has no buffers it is lost and counted; a sender never waits. A checksum that
// the sender left to the device is left to the receiver if that can do it, else it is made on the way.
class NetDevice final : public VirtioDevice, private net::Port {
 public:
  // The network outlives it; null: there are too many. Where it has no place for the card (the log says why), the driver sees a link that is down.
  NetDevice(const DeviceSite& site, std::string_view name, const net::PortConfig& port, net::Network* network);
  ~NetDevice() = default;

  // Before the device goes: no frame reaches it after that.
  void unplug() {
    if (network_ != nullptr) network_->unplug(*this);
  }
  [[nodiscard]] const net::Port& port() const { return *this; }
  // Bytes are those of frames; lost ones, in either direction, are errors.
  void report(DeviceReport& report) const;

 private:
  enum QueueIndex : uint16_t { receive = 0, transmit = 1, control = 2 };

  void start(uint64_t features) override PLINTH_REQUIRES(lock);
  void stop() override PLINTH_REQUIRES(lock);
  void stop_queue(uint16_t queue) override PLINTH_REQUIRES(lock);
  [[nodiscard]] Served serve(uint16_t queue, Budget& budget) override PLINTH_REQUIRES(lock);
  [[nodiscard]] std::span<const std::byte> configuration() const override { return configuration_; }
  void after_work() override {
    if (network_ != nullptr) network_->announce();
  }

  [[nodiscard]] bool deliver(const net::Frame& frame) override;
  void announce() override;

  [[nodiscard]] Served serve_receive(Budget& budget) PLINTH_REQUIRES(lock);
  [[nodiscard]] Served serve_transmit(Budget& budget) PLINTH_REQUIRES(lock);
  [[nodiscard]] Served serve_control(Budget& budget) PLINTH_REQUIRES(lock);
  void send(const Chain& chain) PLINTH_REQUIRES(lock);
  [[nodiscard]] bool gather(Cursor& from, net::Frame& frame) PLINTH_REQUIRES(lock);
  [[nodiscard]] uint8_t obey(const Chain& chain) PLINTH_REQUIRES(lock);

  static constexpr size_t max_pieces = 64;

  net::Network* network_;  // null: it is on none
  DeviceTimer& timer_;
  std::array<std::byte, 12> configuration_{};
  Chain chain_ PLINTH_GUARDED_BY(lock);
  std::array<std::span<const std::byte>, max_pieces> pieces_ PLINTH_GUARDED_BY(lock);
  ReceiveRing ring_;
  bool accepts_ PLINTH_GUARDED_BY(ring_.lock) = false;  // the driver is ready
  bool merges_ PLINTH_GUARDED_BY(ring_.lock) = false;
  bool takes_partial_checksums_ PLINTH_GUARDED_BY(ring_.lock) = false;
  bool met_no_memory_ PLINTH_GUARDED_BY(ring_.lock) = false;
};

}  // namespace vmm::virtio
