// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vmm {

// The eight identification registers at the end of every Arm PrimeCell's page, one byte per word: PeriphID0-3 (part,
// designer 0x41 = Arm, revision) and PCellID0-3 (a constant).
struct PrimeCellId {
  uint16_t part;
  uint8_t revision;

  static constexpr uint32_t first = 0xfe0;

  // RAZ for every offset (a multiple of 4) before the registers.
  [[nodiscard]] constexpr uint32_t read(uint32_t offset) const {
    if (offset < first || offset > 0xffc) return 0;
    const uint64_t bytes = uint64_t{0xb105'f00d} << 32 | uint64_t{revision} << 20 | uint64_t{0x41} << 12 | part;
    return (bytes >> ((offset - first) / 4 * 8)) & 0xff;
  }
};

}  // namespace vmm
