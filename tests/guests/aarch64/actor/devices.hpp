// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What the actor does to its machine, and how it tells a machine that was just made from one that was used.
namespace actor {

inline constexpr uint32_t power_key_interrupt = 32 + 7;
inline constexpr uint32_t watchdog_interrupt = 32 + 12;

// How much of RAM, interrupt controller, timers and devices is not as after power-on; names each if `tell` is set. For
// the boot CPU, before it uses any of them.
unsigned count_differences(bool tell);
// Change all of it.
void dirty_machine();

// The power key's interrupt, at its rising edge.
void expect_power_key();
void clear_power_key();

// Nothing happens where the machine has no watchdog. The period is that until the first signal.
void start_watchdog(uint64_t milliseconds);
void refresh_watchdog();

}  // namespace actor
