// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

namespace fuzz {

// What must hold for any input.
inline void require(bool condition) {
  if (!condition) std::abort();
}

// A copy of the fuzzer's bytes in a block of exactly their size, aligned as boot loaders align.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : bytes_(reinterpret_cast<const std::byte*>(data), as_end(data, size)) {}
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  static const std::byte* as_end(const uint8_t* data, size_t size) {
    return reinterpret_cast<const std::byte*>(data) + size;
  }
  std::vector<std::byte> bytes_;
};

}  // namespace fuzz
