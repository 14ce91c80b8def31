// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vmm {

// Seconds since 1970 at the moment hal::Timer's counter was 0, as the machine's real-time clock says; 0 without a
// clock.
[[nodiscard]] uint64_t epoch_at_tick_zero();
// Read the clock. Boot CPU, once, after mm::init().
void start_wall_clock();

}  // namespace vmm
