// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"

namespace guest {

// Spin until `condition` holds or `milliseconds` have gone by; says whether it holds.
template <class Condition>
[[nodiscard]] bool within(uint64_t milliseconds, Condition&& condition) {
  const uint64_t end = now() + ticks(milliseconds);
  while (!condition()) {
    if (now() > end) return condition();
  }
  return true;
}

}  // namespace guest
