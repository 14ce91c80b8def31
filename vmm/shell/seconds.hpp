// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"

namespace vmm::shell {

// "12.345", in seconds.
struct Seconds {
  std::array<char, 24> digits{};
  size_t length = 0;

  explicit Seconds(uint64_t nanoseconds) {
    hal::BufferSink text(digits);
    hal::format(text, "{}.{:03}", nanoseconds / 1'000'000'000, nanoseconds / 1'000'000 % 1000);
    length = text.text().size();
  }
  operator std::string_view() const { return {digits.data(), length}; }
};

}  // namespace vmm::shell
