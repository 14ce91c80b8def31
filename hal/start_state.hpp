// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/address.hpp"

namespace hal {

// How a vCPU begins: at `pc`, with these in its first argument registers (X0 to X2, a0 to a2).
struct StartState {
  GuestPhys pc;
  std::array<uint64_t, 3> arguments{};
};

}  // namespace hal
