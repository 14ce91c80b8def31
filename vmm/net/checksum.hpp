// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vmm::net {

// The sum of RFC 1071 over bytes that come in pieces of any length.
class InternetChecksum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      const auto value = static_cast<uint64_t>(byte);
      sum_ += odd_ ? value : value << 8;
      odd_ = !odd_;
    }
  }
  // The checksum in host order, to be stored big-endian. 0 would say "none" in UDP; the other zero says the same to
  // everybody else.
  [[nodiscard]] uint16_t value() const {
    uint64_t folded = sum_;
    while (folded >> 16 != 0) folded = (folded & 0xffff) + (folded >> 16);
    const auto result = static_cast<uint16_t>(~folded);
    return result == 0 ? 0xffff : result;
  }

 private:
  uint64_t sum_ = 0;
  bool odd_ = false;
};

}  // namespace vmm::net
