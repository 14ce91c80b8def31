// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "vmm/pci/registers.hpp"

namespace vmm::pci {

// What a function says of itself.
struct Identity {
  uint16_t vendor;
  uint16_t device;
  uint16_t subsystem_vendor = 0;
  uint16_t subsystem = 0;
  uint32_t class_code;  // base class, sub-class, programming interface: 24 bits
  uint8_t revision = 0;
  bool interrupts = true;  // by INTA
};

enum class BarKind : uint8_t { memory_32, memory_64_prefetchable };

// The registers of one function, as bytes with a mask of those bits that software may write. Writable bits are zero
// after power-on. No lock: the owner has one.
class ConfigSpace {
 public:
  explicit ConfigSpace(const Identity& identity);

  // --- while the function is made ---

  // `size` is a power of two, 16 or more; a 64-bit one takes `index` and the next.
  void add_bar(unsigned index, uint64_t size, BarKind kind);
  // A capability of `length` bytes, multiples of 4, in front of those before it. Returns its offset; its body is zero
  // and read-only.
  unsigned add_capability(CapabilityId id, unsigned length);
  void put(unsigned offset, unsigned size, uint32_t value);
  // Let software write these bits, too.
  void allow(unsigned offset, unsigned size, uint32_t mask);

  // --- accesses: 1, 2 or 4 bytes, aligned to that, inside config_size ---

  [[nodiscard]] uint32_t read(unsigned offset, unsigned size) const;
  void write(unsigned offset, unsigned size, uint32_t value);
  void reset();

  [[nodiscard]] uint16_t command() const { return static_cast<uint16_t>(read(Register::command, 2)); }
  // Where software put this BAR; its size, 0 where there is none.
  [[nodiscard]] uint64_t bar_address(unsigned index) const;
  [[nodiscard]] uint64_t bar_size(unsigned index) const { return sizes_[index]; }

 private:
  std::array<uint8_t, config_size> bytes_{};
  std::array<uint8_t, config_size> writable_{};
  std::array<uint64_t, base_addresses> sizes_{};
  unsigned free_ = Register::header_end;  // where the next capability goes
};

}  // namespace vmm::pci
