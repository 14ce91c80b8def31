// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "hal/cpu.hpp"

namespace task {

// A set of host CPUs, one bit each.
class CpuSet {
 public:
  constexpr CpuSet() = default;
  constexpr explicit CpuSet(uint64_t bits) : bits_(bits) {}
  [[nodiscard]] static constexpr CpuSet all() { return CpuSet(~uint64_t{0}); }
  [[nodiscard]] static constexpr CpuSet only(hal::CpuIndex cpu) { return CpuSet(uint64_t{1} << cpu); }

  [[nodiscard]] constexpr uint64_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr unsigned count() const { return static_cast<unsigned>(std::popcount(bits_)); }
  [[nodiscard]] constexpr bool contains(hal::CpuIndex cpu) const { return ((bits_ >> cpu) & 1) != 0; }
  // Lowest member; the set is not empty.
  [[nodiscard]] constexpr hal::CpuIndex first() const { return static_cast<unsigned>(std::countr_zero(bits_)); }

  constexpr void add(hal::CpuIndex cpu) { bits_ |= uint64_t{1} << cpu; }
  constexpr void remove(hal::CpuIndex cpu) { bits_ &= ~(uint64_t{1} << cpu); }
  friend constexpr CpuSet operator&(CpuSet a, CpuSet b) { return CpuSet(a.bits_ & b.bits_); }
  friend constexpr CpuSet operator|(CpuSet a, CpuSet b) { return CpuSet(a.bits_ | b.bits_); }
  friend constexpr CpuSet operator-(CpuSet a, CpuSet b) { return CpuSet(a.bits_ & ~b.bits_); }
  friend constexpr bool operator==(CpuSet, CpuSet) = default;

  // Members in ascending order: for (hal::CpuIndex cpu : set).
  class Iterator {
   public:
    constexpr explicit Iterator(uint64_t rest) : rest_(rest) {}
    constexpr hal::CpuIndex operator*() const { return static_cast<unsigned>(std::countr_zero(rest_)); }
    constexpr Iterator& operator++() { return rest_ &= rest_ - 1, *this; }
    friend constexpr bool operator==(Iterator, Iterator) = default;

   private:
    uint64_t rest_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(bits_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(0); }

 private:
  uint64_t bits_ = 0;
};

}  // namespace task
