// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/base/address.hpp"
#include "hal/mmio.hpp"
#include "hal/platform/pci.hpp"

// The machine's PCI bus, as far as drivers of ours need it (PCI Express Base 5.0, chapter 7): functions on the root bus, and
// what firmware has left to do for them. One caller at a time.
namespace hal::driver {

// A function's configuration space.
class PciFunction {
 public:
  enum Register : unsigned {
    vendor_id = 0x00,
    device_id = 0x02,
    command = 0x04,
    status = 0x06,
    class_code = 0x08,  // with the revision in its lowest byte
    header_type = 0x0e,
    base_address = 0x10,
    capabilities = 0x34,
    interrupt_pin = 0x3d,
  };

  constexpr PciFunction() = default;
  PciFunction(HostVirt registers, uint8_t bus, uint8_t unit) : registers_(registers), bus_(bus), unit_(unit) {}

  [[nodiscard]] unsigned bus() const { return bus_; }
  [[nodiscard]] unsigned device() const { return unit_ >> 3; }
  [[nodiscard]] unsigned function() const { return unit_ & 7; }
  // As the first cell of its address in the device tree.
  [[nodiscard]] uint32_t cell() const { return uint32_t{bus_} << 16 | uint32_t{unit_} << 8; }

  [[nodiscard]] uint8_t read8(unsigned offset) const { return mmio_read8(registers_ + offset); }
  [[nodiscard]] uint16_t read16(unsigned offset) const { return mmio_read16(registers_ + offset); }
  [[nodiscard]] uint32_t read32(unsigned offset) const { return mmio_read32(registers_ + offset); }
  void write16(unsigned offset, uint16_t value) const { mmio_write16(registers_ + offset, value); }
  void write32(unsigned offset, uint32_t value) const { mmio_write32(registers_ + offset, value); }

  // Where the first capability of this kind behind the one at `after` is (7.7); 0: there is none.
  [[nodiscard]] unsigned find_capability(uint8_t id, unsigned after = 0) const;
  // What the BAR says, in the bus's addresses. Nothing: it is one of I/O ports, or unassigned.
  [[nodiscard]] std::optional<uint64_t> memory_bar(unsigned bar) const;

 private:
  HostVirt registers_;
  uint8_t bus_ = 0, unit_ = 0;
};

class PciHost {
 public:
  static constexpr unsigned devices = 32, functions = 8, bars = 6;

  explicit PciHost(const PciHostInfo& info) : info_(info), free_(info.memory.start.value() + info.bus_offset) {}

  // Calls visit(function) for each function on the root bus. A bus behind a bridge is not looked at. False: there is no
  // memory to map configuration space.
  template <class Visit>
  [[nodiscard]] bool for_each_function(Visit visit) {
    for (unsigned device = 0; device < devices; ++device) {
      unsigned count = 1;
      for (unsigned function = 0; function < count; ++function) {
        const auto found = function_at(device, function);
        if (!found) return false;
        if (found->read16(PciFunction::vendor_id) == 0xffff) continue;
        if (function == 0 && (found->read8(PciFunction::header_type) & 0x80) != 0) count = functions;
        visit(*found);
      }
    }
    return true;
  }

  // Let it answer at its BARs and be a bus master, without MSI: its interrupt is its pin's. BARs that firmware has assigned
  // stay; where it has assigned none of the bus (QEMU, started with -kernel), they get a place here. False: there is none.
  [[nodiscard]] bool enable(const PciFunction& function);
  // Stop it from touching memory.
  static void disable(const PciFunction& function);
  // A part of the memory behind a BAR of an enabled function, mapped. Nothing: it is not there.
  [[nodiscard]] std::optional<HostVirt> map(const PciFunction& function, unsigned bar, uint64_t offset, uint64_t size) const;
  // Of its pin, as hal::Irq counts. Nothing: it has none.
  [[nodiscard]] std::optional<uint32_t> irq_of(const PciFunction& function) const;

 private:
  [[nodiscard]] std::optional<PciFunction> function_at(unsigned device, unsigned function) const;
  [[nodiscard]] bool is_assigned_by_firmware();
  [[nodiscard]] bool assign(const PciFunction& function);

  PciHostInfo info_;
  uint64_t free_;  // of the bus's addresses, from here on nobody has any that we gave
  std::optional<bool> by_firmware_;
};

}  // namespace hal::driver
