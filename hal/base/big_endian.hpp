// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hal {

// Numbers in the byte order of a device tree. The span holds at least as many bytes as the number; no alignment is
// needed. The builtin is one instruction; the function of that name would be called, because freestanding code is
// compiled without knowing what it does.
namespace detail {
constexpr auto to_big_endian(auto value) {
  return std::endian::native == std::endian::big ? value : std::byteswap(value);
}
template <class Number>
Number load_big_endian(std::span<const std::byte> from) {
  Number value;
  __builtin_memcpy(&value, from.first(sizeof(value)).data(), sizeof(value));
  return to_big_endian(value);
}
template <class Number>
void store_big_endian(std::span<std::byte> to, Number value) {
  value = to_big_endian(value);
  __builtin_memcpy(to.first(sizeof(value)).data(), &value, sizeof(value));
}
}  // namespace detail

[[nodiscard]] inline uint32_t load_be32(std::span<const std::byte> from) {
  return detail::load_big_endian<uint32_t>(from);
}
[[nodiscard]] inline uint64_t load_be64(std::span<const std::byte> from) {
  return detail::load_big_endian<uint64_t>(from);
}
inline void store_be32(std::span<std::byte> to, uint32_t value) { detail::store_big_endian(to, value); }
inline void store_be64(std::span<std::byte> to, uint64_t value) { detail::store_big_endian(to, value); }

}  // namespace hal
