// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace arch {

// Where the executing CPU goes for exceptions of the hypervisor and for machine errors: EENTRY, MERRENTRY; one vector for
// all exceptions (ECFG.VS). No interrupt is let through afterwards.
void install_exception_vectors();

// What trap/vectors.S leaves of a CPU that failed: r0 to r31.
struct HostFrame {
  std::array<uint64_t, 32> r;
};
static_assert(sizeof(HostFrame) == 256);

}  // namespace arch
