// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace arch {

// A clock that tests move; one tick is a nanosecond. See tests/fakes/machine.hpp.
struct Timer {
  static uint64_t now();
  static uint64_t frequency() { return 1'000'000'000; }
  static void set_deadline(uint64_t deadline);
};

}  // namespace arch
