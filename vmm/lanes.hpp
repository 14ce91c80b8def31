// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/bits.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// An access of 1, 2, 4 or 8 bytes, aligned to its size, to registers of 32 bits side by side: a part of one, one, or
// two of them.
class Lanes {
 public:
  constexpr Lanes(uint64_t offset, unsigned size) : offset_(static_cast<uint32_t>(offset)), size_(size) {}
  constexpr explicit Lanes(MmioAccess access) : Lanes(access.offset, access.size) {}

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

// What a write gives to registers that a narrow access sets whole, zero-extended: one or two of them, or none where it
// begins inside a register.
class WholeWords {
 public:
  struct Word {
    uint32_t offset, value;
  };

  constexpr WholeWords(MmioAccess access, uint64_t value)
      : words_{{{static_cast<uint32_t>(access.offset), static_cast<uint32_t>(value & hal::low_mask(access.size * 8))},
                {static_cast<uint32_t>(access.offset) + 4, Lanes::second(value)}}},
        count_(access.offset % 4 != 0 ? 0
               : access.size == 8     ? 2
                                      : 1) {}

  [[nodiscard]] constexpr const Word* begin() const { return words_.data(); }
  [[nodiscard]] constexpr const Word* end() const { return words_.data() + count_; }

 private:
  std::array<Word, 2> words_;
  unsigned count_;
};

}  // namespace vmm
