// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

namespace config {

// Memory that is handed out once and given back all together, by forgetting it. Never larger than the caller's span.
class Arena {
 public:
  explicit Arena(std::span<std::byte> bytes) : free_(bytes), size_(bytes.size()) {}

  // Null when there is no room.
  template <class T>
  [[nodiscard]] T* make() {
    static_assert(std::is_trivially_destructible_v<T>, "nobody destroys what lives in an arena");
    const size_t padding = -reinterpret_cast<uintptr_t>(free_.data()) % alignof(T);
    if (padding > free_.size() || sizeof(T) > free_.size() - padding) return nullptr;
    void* const place = free_.data() + padding;
    free_ = free_.subspan(padding + sizeof(T));
    return new (place) T();
  }

  // `count` bytes, not aligned; null when there is no room.
  [[nodiscard]] char* make_text(size_t count) {
    if (count > free_.size()) return nullptr;
    char* const text = reinterpret_cast<char*>(free_.data());
    free_ = free_.subspan(count);
    return text;
  }

  [[nodiscard]] size_t used() const { return size_ - free_.size(); }

 private:
  std::span<std::byte> free_;
  size_t size_;
};

}  // namespace config
