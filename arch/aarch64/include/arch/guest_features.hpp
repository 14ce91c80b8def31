// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/aarch64/regs/sve.hpp"

namespace arch {

// What of the CPUs one VM gets and another does not.
struct GuestFeatures {
  uint8_t sve_quads = 0;  // its longest SVE vector, in units of 128 bits; 0: it has no SVE
  bool pmu = false;
};

// The lengths of vectors that guests can have, once every CPU has joined; 0: no SVE.
[[nodiscard]] regs::SveLengths sve_lengths();

// Room for the SVE state of one vCPU, `sve_room()` of these.
struct alignas(16) SveQuad {
  uint64_t halves[2];
};
constexpr size_t sve_room(unsigned quads) {
  constexpr size_t size = sizeof(SveQuad);
  return (regs::sve_vector_bytes(quads) + regs::sve_predicate_bytes(quads) + size - 1) / size;
}

}  // namespace arch
