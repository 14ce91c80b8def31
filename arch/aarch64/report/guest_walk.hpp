// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "arch/aarch64/regs/guest_registers.hpp"
#include "hal/base/address.hpp"
#include "hal/base/bits.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/guest_walk.hpp"

// A guest's own stage-1 translation, walked by software for reports: all three granules, 48-bit addresses (guests are
// not shown LPA2). Arm ARM (DDI 0487) D8.2, D8.3. The tables are a guest's: anything may be in them.
namespace arch {

// TCR_EL1 (D24.2.185), the fields of one half at a time.
struct tcr_el1_half {
  using epd = hal::Field<7>;
  using granule = hal::Field<15, 14>;
  unsigned size;          // TnSZ: 64 minus the bits that are translated
  unsigned granule_bits;  // 0: reserved
  bool disabled;

  static constexpr tcr_el1_half of(uint64_t tcr, bool upper) {
    constexpr std::array<uint8_t, 4> lower_granules{12, 16, 14, 0}, upper_granules{0, 14, 12, 16};
    const uint64_t half = upper ? tcr >> 16 : tcr;
    return {.size = static_cast<unsigned>(half & 0x3f),
            .granule_bits = (upper ? upper_granules : lower_granules)[granule::get(half)],
            .disabled = epd::is_set(half)};
  }
};

inline hal::GuestWalk walk_guest(const GuestSystemRegisters& system, hal::GuestVirt address, hal::GuestReader& memory) {
  constexpr uint64_t mmu_on = 1;
  constexpr uint64_t big_endian = hal::bit(25);
  const uint64_t va = address.value();
  hal::GuestWalk walk;
  if ((system.sctlr & mmu_on) == 0) {
    walk.without_tables = "stage 1 is off";
    walk.result = hal::GuestPhys(va);
    return walk;
  }
  const bool upper = (va & hal::bit(55)) != 0;
  const tcr_el1_half half = tcr_el1_half::of(system.tcr, upper);
  if (half.disabled || half.granule_bits == 0 || half.size < 16 || half.size > 39) return walk;
  const unsigned bits = 64 - half.size;
  // Bits up to 55 are all alike; the byte above may be a tag (D8.8).
  const uint64_t above = va >> bits & hal::low_mask(56 - bits);
  if (above != (upper ? hal::low_mask(56 - bits) : 0)) return walk;

  const unsigned stride = half.granule_bits - 3;
  unsigned level = 4 - (bits - half.granule_bits + stride - 1) / stride;
  uint64_t table = (upper ? system.ttbr1 : system.ttbr0) & hal::low_mask(48) & ~uint64_t{1};
  for (unsigned top = bits;; ++level) {
    const unsigned shift = half.granule_bits + (3 - level) * stride;
    const hal::GuestPhys place(table + (va >> shift & hal::low_mask(top - shift)) * 8);
    uint64_t descriptor = 0;
    if (!memory.read(place, std::as_writable_bytes(std::span(&descriptor, 1)))) return walk;
    if ((system.sctlr & big_endian) != 0) descriptor = std::byteswap(descriptor);
    walk.steps[walk.count++] = {.level = level, .place = place, .entry = descriptor};
    const bool table_or_page = (descriptor & 2) != 0;
    if ((descriptor & 1) == 0 || (level == 3 && !table_or_page)) return walk;
    if (level == 3 || !table_or_page) {
      const uint64_t offset = hal::low_mask(shift);
      walk.result = hal::GuestPhys((descriptor & hal::low_mask(48) & ~offset) | (va & offset));
      return walk;
    }
    table = descriptor & hal::low_mask(48) & ~hal::low_mask(half.granule_bits);
    top = shift;
  }
}

}  // namespace arch
