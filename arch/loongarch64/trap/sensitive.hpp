// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/vcpu.hpp"

namespace arch {

// Carry out for a guest what it may not execute by itself (exception GSPR). docs/trapping.md has the policy.
void emulate_sensitive(Vcpu& vcpu, uint64_t estat);

}  // namespace arch
