// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "smp.hpp"

// smp::start() in two steps: CPU_ON with entry_address() and what prepare() returns starts the CPU.
namespace guest::smp {

[[nodiscard]] uint64_t prepare(unsigned cpu, Function function, uint64_t argument);
[[nodiscard]] uint64_t entry_address();

}  // namespace guest::smp
