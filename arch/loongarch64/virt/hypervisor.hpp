// SPDX-License-Identifier: Apache-2.0
#pragma once

// The virtualization extension LVZ on the executing CPU.
namespace arch::lvz {

// Does it have LVZ, and room for guests' tags?
[[nodiscard]] bool is_present();
// Get it ready to run guests (5.1 of the LVZ reference). Once, after Mmu::join_cpu(), where it is present.
void join_cpu();

}  // namespace arch::lvz
