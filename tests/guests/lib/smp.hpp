// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Further CPUs of the guest.
namespace guest::smp {

inline constexpr unsigned max_cpus = 64;

using Function = void (*)(uint64_t argument);

// Start CPU `cpu` in `function`; when that returns, the CPU is off again: by PSCI, or in a loop that waits for its
// mailbox as firmware's does. Returns 0 or why not, as PSCI says it. The CPU must be off.
[[nodiscard]] int64_t start(unsigned cpu, Function function, uint64_t argument);
[[nodiscard]] bool is_off(unsigned cpu);
// How many CPUs PSCI or the device tree know.
[[nodiscard]] unsigned count();

}  // namespace guest::smp
