// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>

namespace vmm {

static_assert(std::endian::native == std::endian::little, "image headers are read as they are in memory");

// The little-endian number at `offset`, wherever it is aligned. The caller has checked that it is there.
template <std::unsigned_integral T>
[[nodiscard]] T read_le(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

}  // namespace vmm
