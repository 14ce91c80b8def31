// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vmm {

// Seconds since 1970 at the moment hal::Timer's counter was 0, as the machine's real-time clock says; 0 without a
// clock.
[[nodiscard]] uint64_t epoch_at_tick_zero();
// Read the clock and collect what randomness the firmware left. Boot CPU, once, after mm::init().
void start_wall_clock();

// Bytes for guests' /chosen/rng-seed: from the firmware's seed and the counter. Good enough to make each boot differ;
// as unpredictable as the firmware's seed is.
void fill_random(std::span<std::byte> bytes);

}  // namespace vmm
