// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/id_filter.hpp"
#include "arch/guest_features.hpp"

// The feature-ID registers that a guest reads (ID group 3: op0 3, op1 0, CRn 0, CRm 1..7): the CPU's own, reduced to
// what a guest can use under Plinth. docs/trapping.md has the policy in words.
namespace arch::id_registers {

// Compute all values; each CPU calls, and a guest sees only what every CPU has.
void join_cpu();

// Of a VM that has all there is. `op` is CRm * 8 + op2. Registers that are not allocated read as zero, as on hardware
// (D24.1.2).
[[nodiscard]] uint64_t read(unsigned op);
// All of them, as a VM with `features` reads them. Constant once every CPU has joined.
[[nodiscard]] const regs::IdRegisters& shown_to(GuestFeatures features);

// Does the guest have pointer authentication?
[[nodiscard]] bool guest_has_pointer_authentication();

}  // namespace arch::id_registers
