// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace hal {

// Text of at most Capacity bytes that owns its storage, always NUL-terminated.
template <size_t Capacity>
class FixedString {
 public:
  constexpr FixedString() = default;
  // Text that does not fit is cut: only for literals and for text whose length was checked.
  constexpr FixedString(std::string_view text) { append(text); }
  constexpr FixedString(const char* text) : FixedString(std::string_view(text)) {}

  static constexpr size_t capacity = Capacity;

  // False, and unchanged, when `text` does not fit.
  [[nodiscard]] constexpr bool assign(std::string_view text) {
    if (text.size() > Capacity) return false;
    clear();
    append(text);
    return true;
  }
  constexpr void clear() { length_ = bytes_[0] = 0; }

  [[nodiscard]] constexpr std::string_view view() const { return {bytes_.data(), length_}; }
  [[nodiscard]] constexpr const char* c_str() const { return bytes_.data(); }
  [[nodiscard]] constexpr size_t size() const { return length_; }
  [[nodiscard]] constexpr bool empty() const { return length_ == 0; }
  constexpr operator std::string_view() const { return view(); }
  friend constexpr bool operator==(const FixedString& a, std::string_view b) { return a.view() == b; }

 private:
  constexpr void append(std::string_view text) {
    const size_t count = std::min(text.size(), Capacity);
    std::copy_n(text.data(), count, bytes_.data());
    bytes_[count] = 0;
    length_ = static_cast<uint16_t>(count);
  }

  static_assert(Capacity <= UINT16_MAX, "the length is kept in 16 bits");
  uint16_t length_ = 0;
  std::array<char, Capacity + 1> bytes_{};
};

// At most Capacity elements, stored in place.
template <class T, size_t Capacity>
class FixedVector {
 public:
  static constexpr size_t capacity = Capacity;

  constexpr FixedVector() = default;
  // The first Capacity of these.
  constexpr FixedVector(std::initializer_list<T> elements) : count_(std::min(elements.size(), Capacity)) {
    std::copy_n(elements.begin(), count_, elements_.begin());
  }

  // False, and unchanged, when there is no room.
  [[nodiscard]] constexpr bool push_back(const T& element) {
    if (count_ == Capacity) return false;
    elements_[count_++] = element;
    return true;
  }
  constexpr void clear() { count_ = 0; }
  // Keep the first `count`, of which there are at least that many.
  constexpr void shrink(size_t count) { count_ = count; }

  [[nodiscard]] constexpr size_t size() const { return count_; }
  [[nodiscard]] constexpr bool empty() const { return count_ == 0; }
  // `index` < size(); libc++'s hardened std::array stops anything beyond Capacity.
  constexpr T& operator[](size_t index) { return elements_[index]; }
  constexpr const T& operator[](size_t index) const { return elements_[index]; }
  constexpr T* begin() { return elements_.data(); }
  constexpr T* end() { return elements_.data() + count_; }
  constexpr const T* begin() const { return elements_.data(); }
  constexpr const T* end() const { return elements_.data() + count_; }

 private:
  size_t count_ = 0;
  std::array<T, Capacity> elements_{};
};

}  // namespace hal
