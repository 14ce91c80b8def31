// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vmm::net {

// IEEE 802.3, 3.2.3.
struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  [[nodiscard]] constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  [[nodiscard]] constexpr uint64_t value() const {
    uint64_t value = 0;
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }
  friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
};

inline constexpr size_t header_size = 14;  // addresses and type
// The largest frame without its check sequence: 1500 bytes behind a header with a VLAN tag.
inline constexpr size_t max_frame = 1518;

// Where in a frame a checksum is missing, as virtio has it: the ones' complement sum of all from `start` on belongs at
// start + offset, where the sum of the pseudo header is already.
struct PartialChecksum {
  uint16_t start = 0;
  uint16_t offset = 0;
};

// One Ethernet frame on its way, in the sender's memory, which may change meanwhile: what decides about it was copied
// out first.
struct Frame {
  MacAddress to;
  MacAddress from;
  size_t size = 0;
  std::span<const std::span<const std::byte>> pieces;
  bool checksum_is_partial = false;
  PartialChecksum checksum;
};

}  // namespace vmm::net
