// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sized integers, the two address spaces a test mixes most easily, and the windows the host reaches memory by.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace std {

/// What the language needs for a braced list in a range-for; no library is linked.
template <class Element>
class initializer_list {
 public:
  constexpr const Element* begin() const { return first_; }
  constexpr const Element* end() const { return first_ + size_; }
  constexpr size_t size() const { return size_; }

 private:
  const Element* first_ = nullptr;
  size_t size_ = 0;
};

}  // namespace std

namespace probe {

using u8 = uint8_t;
using u32 = uint32_t;
using u64 = uint64_t;

/// Host physical address.
struct Hpa {
  u64 value;
};

/// Guest physical address.
struct Gpa {
  u64 value;
  constexpr Gpa operator+(u64 offset) const { return {value + offset}; }
};

/// The host's direct-mapped windows (start.S sets both up): cached memory and uncached devices.
constexpr u64 cached_window = 0x9000'0000'0000'0000;
constexpr u64 uncached_window = 0x8000'0000'0000'0000;
constexpr u64 physical_mask = (u64{1} << 48) - 1;

inline u64* cached(Hpa at) { return reinterpret_cast<u64*>(cached_window | at.value); }
inline volatile u8* device(Hpa at) { return reinterpret_cast<volatile u8*>(uncached_window | at.value); }
inline Hpa physical(const void* pointer) { return {reinterpret_cast<u64>(pointer) & physical_mask}; }

constexpr u64 page_size = 4096;
constexpr u64 bits(u64 value, unsigned high, unsigned low) { return (value >> low) & ((u64{2} << (high - low)) - 1); }

}  // namespace probe
