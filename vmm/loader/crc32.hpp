// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vmm {

// CRC-32 as gzip (RFC 1952, section 8) and UEFI (2.10, 4.2) have it, by half bytes: the table stays small.
inline constexpr std::array<uint32_t, 16> crc32_table = [] {
  std::array<uint32_t, 16> table{};
  for (uint32_t n = 0; n < table.size(); ++n) {
    uint32_t c = n;
    for (int k = 0; k < 4; ++k) c = (c & 1) != 0 ? 0xedb8'8320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}();

// Of what `crc` is of, followed by `bytes`; begin with 0.
[[nodiscard]] constexpr uint32_t crc32(uint32_t crc, std::span<const std::byte> bytes) {
  crc = ~crc;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<uint8_t>(b);
    crc = crc32_table[crc & 0xf] ^ (crc >> 4);
    crc = crc32_table[crc & 0xf] ^ (crc >> 4);
  }
  return ~crc;
}

}  // namespace vmm
