// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Configuration space of a function with a header of type 0, and the capabilities in it: PCI Express Base 5.0, 7.5.1.1,
// 7.5.1.2 and 7.7.2; the numbers are those of PCI Local Bus 3.0, chapter 6, as well.
namespace vmm::pci {

inline constexpr unsigned config_size = 256;  // of a conventional function; behind that there is nothing

enum Register : uint8_t {
  vendor_id = 0x00,
  device_id = 0x02,
  command = 0x04,
  status = 0x06,
  revision_id = 0x08,
  class_code = 0x09,  // 24 bits
  cache_line_size = 0x0c,
  base_address = 0x10,  // the first of six
  subsystem_vendor_id = 0x2c,
  subsystem_id = 0x2e,
  capabilities_pointer = 0x34,
  interrupt_line = 0x3c,
  interrupt_pin = 0x3d,
  header_end = 0x40,
};
inline constexpr unsigned base_addresses = 6;

namespace command_bit {
inline constexpr uint16_t io_space = 1 << 0;
inline constexpr uint16_t memory_space = 1 << 1;
inline constexpr uint16_t bus_master = 1 << 2;
inline constexpr uint16_t serr = 1 << 8;
inline constexpr uint16_t interrupt_disable = 1 << 10;
}  // namespace command_bit

namespace status_bit {
inline constexpr uint16_t interrupt = 1 << 3;
inline constexpr uint16_t capabilities = 1 << 4;
}  // namespace status_bit

namespace bar_bit {
inline constexpr uint32_t memory_64 = 0b10 << 1;
inline constexpr uint32_t prefetchable = 1 << 3;
}  // namespace bar_bit

enum class CapabilityId : uint8_t { vendor_specific = 0x09, msi_x = 0x11 };

// MSI-X, 7.7.2: offsets in the capability, and fields.
namespace msix {
inline constexpr unsigned capability_size = 12;
inline constexpr unsigned message_control = 2;
inline constexpr unsigned table = 4;
inline constexpr unsigned pending = 8;
inline constexpr uint16_t function_mask = 1 << 14;
inline constexpr uint16_t enable = 1 << 15;
inline constexpr unsigned entry_size = 16;
inline constexpr uint32_t vector_masked = 1 << 0;
}  // namespace msix

// Nothing answers: what a master reads then.
inline constexpr uint64_t absent = ~uint64_t{0};

}  // namespace vmm::pci
