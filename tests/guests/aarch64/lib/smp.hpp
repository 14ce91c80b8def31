// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Further CPUs of the guest, started by PSCI.
namespace guest::smp {

inline constexpr unsigned max_cpus = 64;

using Function = void (*)(uint64_t argument);

// Start CPU `cpu` in `function`; when that returns, the CPU turns itself off. Returns PSCI's status. The CPU must be
// off.
[[nodiscard]] int64_t start(unsigned cpu, Function function, uint64_t argument);
// The same in two steps: CPU_ON with entry_address() and what this returns starts the CPU.
[[nodiscard]] uint64_t prepare(unsigned cpu, Function function, uint64_t argument);
[[nodiscard]] bool is_off(unsigned cpu);
// How many CPUs PSCI knows.
[[nodiscard]] unsigned count();
// Where start() sends a CPU.
[[nodiscard]] uint64_t entry_address();

}  // namespace guest::smp
