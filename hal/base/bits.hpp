// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

namespace hal {

// Bits [High:Low] of a register or descriptor, as the manuals write them. A field is defined once, constexpr, beside
// the manual section it comes from; bodies then say `sctlr_el2::m.set(value, 1)` instead of shifting.
template <unsigned High, unsigned Low = High, class V = uint64_t>
struct Field {
  static_assert(High >= Low && High < 64, "a field lies inside a 64-bit word");
  static constexpr unsigned width = High - Low + 1;
  static constexpr uint64_t max = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  static constexpr uint64_t mask = max << Low;

  [[nodiscard]] static constexpr V get(uint64_t word) { return static_cast<V>((word & mask) >> Low); }
  // `word` with this field replaced; bits of `value` outside the field are dropped.
  [[nodiscard]] static constexpr uint64_t set(uint64_t word, V value) { return (word & ~mask) | of(value); }
  // A word that holds only this field.
  [[nodiscard]] static constexpr uint64_t of(V value) { return (static_cast<uint64_t>(value) << Low) & mask; }
  [[nodiscard]] static constexpr bool is_set(uint64_t word) { return (word & mask) != 0; }
};

[[nodiscard]] constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
[[nodiscard]] constexpr uint64_t low_mask(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : bit(bits) - 1; }

// Two's complement value of the low `bits` bits.
[[nodiscard]] constexpr uint64_t sign_extend(uint64_t value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
}

}  // namespace hal
