// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/device/console_port.hpp"
#include "vmm/device/device_report.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// A console (5.3) of one port, behind a ConsoleSocket: what Linux calls hvc0. Bytes wait on both sides: what the guest
// sends stays in its buffer while the port takes nothing, and what is typed stays in the port while the guest has no
// buffer for it. Emergency writes work without a driver.
//
// The port calls receive(), receive_break() and transmit_ready() with no lock held.
class ConsoleDevice final : public VirtioDevice {
 public:
  static constexpr uint16_t queue_size = 64;
  static constexpr uint64_t byte_cost = 256;  // of one that is sent, in bytes moved: the port takes each by itself

  ConsoleDevice(const DeviceSite& site, ConsolePort& port);

  // --- for the port ---

  // How many of `bytes` the guest had buffers for. The port hears of it (receive_ready()) when there are more.
  [[nodiscard]] size_t receive(std::span<const uint8_t> bytes);
  // There is no such thing here: it is taken, and lost.
  [[nodiscard]] bool receive_break() { return true; }
  void transmit_ready() { go_on(transmit); }

  // Any task.
  void report(DeviceReport& report) const;

 private:
  enum QueueIndex : uint16_t { receive_queue = 0, transmit = 1 };

  void stop() override PLINTH_REQUIRES(lock) { sending_ = false; }
  void stop_queue(uint16_t queue) override PLINTH_REQUIRES(lock) {
    if (queue == transmit) sending_ = false;
  }
  [[nodiscard]] Served serve(uint16_t queue, Budget& budget) override PLINTH_REQUIRES(lock);
  [[nodiscard]] std::span<const std::byte> configuration() const override { return configuration_; }
  void configure(uint32_t offset, std::span<const std::byte> bytes) override PLINTH_REQUIRES(lock);

  [[nodiscard]] Served serve_receive() PLINTH_REQUIRES(lock);
  [[nodiscard]] Served serve_transmit(Budget& budget) PLINTH_REQUIRES(lock);
  [[nodiscard]] Served send(Budget& budget) PLINTH_REQUIRES(lock);

  ConsolePort& port_;
  std::array<std::byte, 12> configuration_{};  // 5.3.4: no size, one port, and a register that is written only
  std::span<const uint8_t> typed_ PLINTH_GUARDED_BY(lock);  // while receive() is at it
  bool refused_ PLINTH_GUARDED_BY(lock) = false;            // bytes wait in the port
  // The chain that is being sent, from where it stopped.
  bool sending_ PLINTH_GUARDED_BY(lock) = false;
  Cursor unsent_ PLINTH_GUARDED_BY(lock);
  Chain sent_chain_ PLINTH_GUARDED_BY(lock);
  Chain received_chain_ PLINTH_GUARDED_BY(lock);
};

}  // namespace vmm::virtio
