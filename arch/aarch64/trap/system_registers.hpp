// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/vcpu.hpp"

namespace arch {

// Carry out a trapped MRS, MSR or system instruction and step over it, or raise the exception that the guest's CPU
// would.
void emulate_system_register(GuestFrame& frame, uint64_t iss);

}  // namespace arch
