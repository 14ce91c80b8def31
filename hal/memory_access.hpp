// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/bits.hpp"

namespace hal {

// One register's share of a load or store.
struct Transfer {
  uint8_t reg;       // as hal::Vcpu::reg() counts; the zero register of the ISA among them
  uint8_t size;      // bytes in memory: 1, 2, 4 or 8
  bool sign_extend;  // loads: to the width below
  bool to_64_bits;   // loads: the register's upper half takes part; else it becomes 0
  uint64_t offset;   // bytes from MemoryAccess::address
};

// A load or store of general-purpose registers, decoded in software and ready to be carried out.
struct MemoryAccess {
  bool store = false;
  uint8_t count = 0;  // transfers, in ascending order of address
  std::array<Transfer, 2> transfers{};
  uint64_t address = 0;  // guest virtual address of the first byte
  bool writeback = false;
  uint8_t base = 0;         // the register to update, as the ISA numbers it
  uint64_t base_value = 0;  // its new value
};

// Why there is no MemoryAccess.
enum class Undecoded : uint8_t {
  moved,         // the instruction cannot be found any more: the guest changed its tables, and will find out by itself
  not_emulated,  // no such load or store is carried out in software: the guest gets an abort
};

// The value a register gets when `raw` (its low `size` bytes) was read from memory.
[[nodiscard]] constexpr uint64_t loaded_value(const Transfer& transfer, uint64_t raw) {
  const unsigned bits = transfer.size * 8U;
  const uint64_t value = raw & low_mask(bits);
  if (!transfer.sign_extend) return value;
  const uint64_t extended = sign_extend(value, bits);
  return transfer.to_64_bits ? extended : extended & low_mask(32);
}

}  // namespace hal
