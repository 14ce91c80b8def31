// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "vmm/pci/function.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// virtio over PCI (4.1), without the legacy interface: a function in front of a device. Its layout is that of QEMU's
// functions, BARs and capabilities at the same places:
//
//     BAR 1   MSI-X table and PBA: a vector for each queue and one for the configuration
//     BAR 4   0x0000  common configuration (4.1.4.3)
//             0x1000  ISR status (4.1.4.5)
//             0x2000  the device's configuration (4.1.4.6)
//             0x3000  notifications (4.1.4.4): a doubleword for each queue
//
// Registers are accessed at their own width, those of 64 bits also in halves (4.1.3.1); anything else reads 0 and
// writes nothing.
class PciTransport final : public pci::Function, private Signals {
 public:
  PciTransport(pci::Bus& bus, VirtioDevice& device);

 private:
  static constexpr uint16_t no_vector = 0xffff;

  uint64_t read_memory(unsigned bar, MmioAccess access) override;
  void write_memory(unsigned bar, MmioAccess access, uint64_t value) override;
  void before_config_read(unsigned offset, unsigned size) override;
  void after_config_write(unsigned offset, unsigned size) override;
  void power_on() override;

  void used_buffer(uint16_t queue) override;
  void configuration_changed() override;

  void add_capabilities();
  [[nodiscard]] unsigned add_capability(uint8_t type, uint32_t offset, uint32_t length, unsigned extra);
  // The access that the registers of the PCI configuration access capability (4.1.4.9) ask for; size 0: none.
  [[nodiscard]] MmioAccess window_access();
  [[nodiscard]] bool is_window(unsigned offset, unsigned size) const;

  [[nodiscard]] uint64_t read_common(uint32_t offset, unsigned size) PLINTH_REQUIRES(device_.lock);
  [[nodiscard]] uint64_t read_queue(uint32_t offset) PLINTH_REQUIRES(device_.lock);
  void write_common(uint32_t offset, unsigned size, uint64_t value) PLINTH_REQUIRES(device_.lock);
  void write_queue(uint32_t offset, uint64_t value) PLINTH_REQUIRES(device_.lock);
  void write_place(uint32_t offset, unsigned size, uint64_t value) PLINTH_REQUIRES(device_.lock);
  void write_status(uint8_t value) PLINTH_REQUIRES(device_.lock);
  [[nodiscard]] uint64_t take_isr();
  void set_isr(uint8_t isr) PLINTH_REQUIRES(device_.lock);
  void forget_driver() PLINTH_REQUIRES(device_.lock);
  // Vectors that the table does not have are none (4.1.4.3.1).
  [[nodiscard]] uint16_t checked_vector(uint64_t wanted) const;

  VirtioDevice& device_;
  unsigned window_capability_ = 0;  // constant after construction
  bool was_master_ PLINTH_GUARDED_BY(device_.lock) = false;
  uint32_t device_features_word_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint32_t driver_features_word_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint16_t queue_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint8_t isr_ PLINTH_GUARDED_BY(device_.lock) = 0;
  uint16_t configuration_vector_ PLINTH_GUARDED_BY(device_.lock) = no_vector;
  std::array<uint16_t, VirtioDevice::max_queues> vectors_ PLINTH_GUARDED_BY(device_.lock);
};

}  // namespace vmm::virtio
