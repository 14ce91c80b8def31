// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace vmm {

// A queue of at most Capacity bytes. Its owner says which lock guards it.
template <size_t Capacity>
class ByteRing {
  static_assert((Capacity & (Capacity - 1)) == 0, "positions are reduced by a mask");

 public:
  [[nodiscard]] constexpr size_t size() const { return static_cast<size_t>(head_ - tail_); }
  [[nodiscard]] constexpr size_t room() const { return Capacity - size(); }
  [[nodiscard]] constexpr bool empty() const { return head_ == tail_; }
  [[nodiscard]] constexpr bool full() const { return size() == Capacity; }

  // False, and unchanged, when it is full.
  constexpr bool push(uint8_t byte) {
    if (full()) return false;
    bytes_[head_++ % Capacity] = byte;
    return true;
  }
  // As much as there is room for; returns how much that was.
  size_t push(std::span<const uint8_t> bytes) {
    const size_t count = std::min(bytes.size(), room());
    for (const uint8_t byte : bytes.first(count)) bytes_[head_++ % Capacity] = byte;
    return count;
  }
  size_t push(std::string_view text) {
    return push(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  // The oldest bytes, as far as they lie in one piece; empty only when the ring is.
  [[nodiscard]] std::span<const uint8_t> front() const {
    const size_t start = tail_ % Capacity;
    return {bytes_.data() + start, std::min(size(), Capacity - start)};
  }
  // `count` <= size().
  constexpr void drop(size_t count) { tail_ += count; }
  constexpr void clear() { tail_ = head_; }

 private:
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
  std::array<uint8_t, Capacity> bytes_{};
};

}  // namespace vmm
