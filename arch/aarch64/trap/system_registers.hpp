// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/vcpu.hpp"

namespace arch {

// Carry out a trapped MRS, MSR or system instruction and step over it, or raise the exception that the guest's CPU
// would.
// A trapped access in AArch32 state to coprocessor 15, of 32 and of 64 bits.
void emulate_mcr_mrc(GuestFrame& frame, uint64_t esr);
void emulate_mcrr_mrrc(GuestFrame& frame, uint64_t esr);
void emulate_system_register(GuestFrame& frame, uint64_t iss);

}  // namespace arch
