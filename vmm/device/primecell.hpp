// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
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
    const std::array<uint8_t, 8> bytes{static_cast<uint8_t>(part),
                                       static_cast<uint8_t>(0x10 | (part >> 8)),
                                       static_cast<uint8_t>(revision << 4 | 0x4),
                                       0x00,
                                       0x0d,
                                       0xf0,
                                       0x05,
                                       0xb1};
    return bytes[(offset - first) / 4];
  }
};

}  // namespace vmm
