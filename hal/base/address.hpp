// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

namespace hal {

// Sizes and offsets are plain 64-bit byte counts; places are not. An address says whose it is (host or guest) and what
// kind (physical or virtual); going from one kind to another is always a named function of the layer that owns the map.
//
//     GuestVirt --guest stage 1--> GuestPhys --stage 2 (mm::GuestSpace)--> HostPhys <--direct map (mm::HostSpace)--
//     HostVirt
template <class Kind>
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(uint64_t value) : value_(value) {}

  [[nodiscard]] constexpr uint64_t value() const { return value_; }

  friend constexpr auto operator<=>(Address, Address) = default;

  constexpr Address operator+(uint64_t bytes) const { return Address(value_ + bytes); }
  constexpr Address operator-(uint64_t bytes) const { return Address(value_ - bytes); }
  constexpr Address& operator+=(uint64_t bytes) { return value_ += bytes, *this; }
  // Distance in bytes; wraps like the unsigned numbers underneath.
  constexpr uint64_t operator-(Address other) const { return value_ - other.value_; }

  // `alignment` is a power of two.
  [[nodiscard]] constexpr bool is_aligned(uint64_t alignment) const { return (value_ & (alignment - 1)) == 0; }
  [[nodiscard]] constexpr Address align_down(uint64_t alignment) const { return Address(value_ & ~(alignment - 1)); }
  [[nodiscard]] constexpr Address align_up(uint64_t alignment) const {
    return Address((value_ + alignment - 1) & ~(alignment - 1));
  }
  [[nodiscard]] constexpr uint64_t offset_in(uint64_t alignment) const { return value_ & (alignment - 1); }

 private:
  uint64_t value_ = 0;
};

using HostPhys = Address<struct HostPhysKind>;
using HostVirt = Address<struct HostVirtKind>;
using GuestPhys = Address<struct GuestPhysKind>;
using GuestVirt = Address<struct GuestVirtKind>;

// The half-open range [start, start + size). A range never wraps past 2^64; test numbers from outside with fits()
// first.
template <class Place>
struct Range {
  Place start;
  uint64_t size = 0;

  [[nodiscard]] constexpr Place end() const { return start + size; }
  [[nodiscard]] constexpr bool empty() const { return size == 0; }
  [[nodiscard]] constexpr bool contains(Place place) const { return place - start < size; }
  [[nodiscard]] constexpr bool contains(Range other) const {
    return other.size <= size && other.start - start <= size - other.size;
  }
  [[nodiscard]] constexpr bool overlaps(Range other) const {
    return !empty() && !other.empty() && (contains(other.start) || other.contains(start));
  }
  // Would [start, start + size) stay inside 64 bits?
  [[nodiscard]] static constexpr bool fits(Place start, uint64_t size) { return start.value() <= UINT64_MAX - size; }

  friend constexpr bool operator==(Range, Range) = default;
};

using HostPhysRange = Range<HostPhys>;
using HostVirtRange = Range<HostVirt>;
using GuestPhysRange = Range<GuestPhys>;

inline constexpr uint64_t kib = 1024;
inline constexpr uint64_t mib = 1024 * kib;
inline constexpr uint64_t gib = 1024 * mib;

// Frames and pages of every format we use are 4 KiB; larger mappings are multiples of it.
inline constexpr uint64_t page_size = 4 * kib;

[[nodiscard]] constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
[[nodiscard]] constexpr uint64_t align_down(uint64_t value, uint64_t alignment) { return value & ~(alignment - 1); }

}  // namespace hal
