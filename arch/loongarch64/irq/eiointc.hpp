// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The machine's EIOINTC. Its registers are IOCSRs, and those for what a CPU has pending are the executing CPU's.
namespace arch::eiointc {

// All vectors off, all of them on line `cpu_line` of ESTAT. Boot CPU.
void set_up(uint32_t cpu_line);

void route(uint32_t vector, uint64_t hardware_id);
void set_enabled(uint32_t vector, bool on);

// Vectors 64 * n to 64 * n + 63 that are pending here; they are no longer.
[[nodiscard]] uint64_t take(unsigned n);

}  // namespace arch::eiointc
