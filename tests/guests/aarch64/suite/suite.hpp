// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "wait.hpp"

// What the batteries share. All of them run with interrupts masked and take interrupts one by one by reading the
// acknowledge register, so that each state in between can be looked at.
namespace suite {

// Shared interrupts of no device.
inline constexpr uint32_t spare = 32 + 90;
inline constexpr uint32_t other_spare = 32 + 91;

// Take the next interrupt, which must come within half a second. Not ended. Special if none came.
[[nodiscard]] uint32_t take();
// Take the next one, say whether it is this, and end it.
[[nodiscard]] bool take_and_end(uint32_t interrupt);
// Nothing is signalled to this CPU.
[[nodiscard]] bool is_quiet();

// Have a CPU that is off run a function; interrupts of its own are enabled. False if it was not off again in time.
[[nodiscard]] bool run_on(unsigned cpu, guest::smp::Function function, uint64_t argument = 0);

// One file each.
void distributor();
void version_2();
void version_3();
void cpu_interface();
void software_interrupts();
void translation();
void timers();
void power();
void processor();

}  // namespace suite
