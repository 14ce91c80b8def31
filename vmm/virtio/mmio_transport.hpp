// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// What an MMIO window says of itself, with a device behind it or without (4.2.2, version 2: no legacy interface). The
// vendor is that of QEMU's board.
namespace mmio {
inline constexpr uint64_t window_size = 0x200;
inline constexpr uint32_t magic = 0x7472'6976;  // "virt"
inline constexpr uint32_t version = 2;
inline constexpr uint32_t vendor = 0x554d'4551;  // "QEMU"
}  // namespace mmio

// virtio over MMIO (4.2): the registers in front of a device. Registers are 32 bits wide and are accessed as such; the
// configuration space behind them at any width.
//
// The interrupt is a level: high while InterruptStatus is not 0.
class MmioTransport final : public MmioDevice, private Signals {
 public:
  MmioTransport(hal::GuestPhys base, IrqLine line, VirtioDevice& device);

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override;

 private:
  [[nodiscard]] uint32_t read_register(uint32_t offset) PLINTH_REQUIRES(device_.lock);
  void write_register(uint32_t offset, uint32_t value) PLINTH_REQUIRES(device_.lock);
  void write_queue_register(uint32_t offset, uint32_t value) PLINTH_REQUIRES(device_.lock);
  void set_interrupt_status(uint32_t status) PLINTH_REQUIRES(device_.lock);

  void used_buffer(uint16_t queue) override;
  void configuration_changed() override;

  VirtioDevice& device_;
  const IrqLine line_;
  uint32_t device_features_word_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint32_t driver_features_word_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint32_t queue_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint32_t interrupt_status_ PLINTH_GUARDED_BY(device_.lock) = 0;
};

// Windows in a row in which no device is plugged in: a driver that looks there finds DeviceID 0 and goes on (4.2.2.2).
class EmptyMmioWindows final : public MmioDevice {
 public:
  EmptyMmioWindows(hal::GuestPhys base, unsigned count)
      : MmioDevice("virtio-mmio", {base, count * mmio::window_size}) {}

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess, uint64_t) override {}
  void reset() override {}
};

}  // namespace vmm::virtio
