// SPDX-License-Identifier: Apache-2.0
#include "hal/entropy.hpp"

namespace hal {

// The architecture has no such instruction.
std::optional<uint64_t> hardware_random() { return {}; }

}  // namespace hal
