// SPDX-License-Identifier: Apache-2.0
// This board has nothing that acts by itself.
#include "devices.hpp"

namespace actor {

std::span<const Deed> own_deeds() { return {}; }
void tick() {}
void interrupt(unsigned) {}

}  // namespace actor
