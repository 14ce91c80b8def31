// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device_fakes.hpp"
#include "hal/base/bits.hpp"
#include "vmm/pci/host_bridge.hpp"

namespace vmm::test {

// A guest's accesses to a bus.
class PciGuest {
 public:
  explicit PciGuest(pci::Bus& bus) : ecam_(bus), memory_(bus, bus.map().memory), high_(bus, bus.map().high) {}

  static constexpr uint64_t config_address(unsigned slot, unsigned offset) { return slot << 15 | offset; }
  uint32_t config(unsigned slot, unsigned offset, uint8_t size = 4) {
    return static_cast<uint32_t>(ecam_.read({config_address(slot, offset), size, 0}) & hal::low_mask(size * 8));
  }
  void set_config(unsigned slot, unsigned offset, uint64_t value, uint8_t size = 4) {
    ecam_.write({config_address(slot, offset), size, 0}, value);
  }
  uint64_t read(uint64_t place, uint8_t size = 4) {
    MmioDevice& window = window_of(place);
    return window.read({place - window.window().start.value(), size, 0}) & hal::low_mask(size * 8);
  }
  void write(uint64_t place, uint64_t value, uint8_t size = 4) {
    MmioDevice& window = window_of(place);
    window.write({place - window.window().start.value(), size, 0}, value);
  }
  // The offset of a capability, from the list; 0: there is none.
  unsigned capability(unsigned slot, uint8_t id, unsigned after = 0) {
    for (unsigned at = config(slot, after == 0 ? 0x34 : after + 1, 1); at != 0; at = config(slot, at + 1, 1)) {
      if (config(slot, at, 1) == id) return at;
    }
    return 0;
  }

 private:
  MmioDevice& window_of(uint64_t place) {
    return memory_.window().contains(hal::GuestPhys(place)) ? static_cast<MmioDevice&>(memory_) : high_;
  }
  pci::EcamWindow ecam_;
  pci::MemoryWindow memory_;
  pci::MemoryWindow high_;
};

}  // namespace vmm::test
