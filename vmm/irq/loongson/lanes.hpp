// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

namespace vmm::loongson {

// An access of 1, 2, 4 or 8 bytes, aligned to its size, to registers of 32 bits side by side: a part of one, one, or
// two of them.
class Lanes {
 public:
  constexpr Lanes(uint64_t offset, unsigned size) : offset_(static_cast<uint32_t>(offset)), size_(size) {}

  // Offset of the first register; the second, if any, is 4 further on.
  [[nodiscard]] constexpr uint32_t word() const { return offset_ & ~3U; }
  [[nodiscard]] constexpr bool has_second() const { return size_ == 8; }
  // Which bits of the first register the access is about, and a value to be written in their place.
  [[nodiscard]] constexpr uint32_t mask() const { return static_cast<uint32_t>(hal::low_mask(size_ * 8) << shift()); }
  [[nodiscard]] constexpr uint32_t first(uint64_t value) const {
    return static_cast<uint32_t>(value << shift()) & mask();
  }
  [[nodiscard]] static constexpr uint32_t second(uint64_t value) { return static_cast<uint32_t>(value >> 32); }
  // What a read of these registers gives.
  [[nodiscard]] constexpr uint64_t join(uint32_t first, uint32_t second) const {
    return (first | uint64_t{second} << 32) >> shift() & hal::low_mask(size_ * 8);
  }

 private:
  [[nodiscard]] constexpr unsigned shift() const { return offset_ % 4 * 8; }

  uint32_t offset_;
  unsigned size_;
};

}  // namespace vmm::loongson
