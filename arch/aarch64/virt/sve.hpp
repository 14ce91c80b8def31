// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace arch::sve {

// Find out which vectors this CPU has. Each CPU calls, after CPTR_EL2 is set; a guest gets what every CPU has.
void join_cpu();

// Say in the log what guests get. Once, when all have joined.
void report();

}  // namespace arch::sve
