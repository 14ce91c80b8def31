// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace arch {

// What of the CPUs one VM gets and another does not.
struct GuestFeatures {
  uint8_t sve_quads = 0;  // its longest SVE vector, in units of 128 bits; 0: it has no SVE
  bool pmu = false;
};

}  // namespace arch
