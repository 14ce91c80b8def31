// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "wait.hpp"

// What the batteries share. All of them run with interrupts masked and look at ESTAT, so that each state in between can
// be seen.
namespace suite {

// Vectors that no input of the PCH-PIC has.
inline constexpr unsigned spare = 0x41, other_spare = 0x6e;

// The interrupts that are pending for this CPU.
[[nodiscard]] inline uint64_t lines() { return guest::estat::read() & 0x1fff; }
inline constexpr uint64_t ipi_line = uint64_t{1} << guest::ipi_interrupt,
                          timer_line = uint64_t{1} << guest::timer_interrupt;
[[nodiscard]] constexpr uint64_t hwi(unsigned n) { return uint64_t{1} << (guest::hardware_interrupt + n); }

inline void send_message(unsigned vector) { guest::write32(guest::pch_msi_base, vector); }

// Have a CPU that is off run a function. False if it was not off again in time.
[[nodiscard]] inline bool run_on(unsigned cpu, guest::smp::Function function, uint64_t argument = 0) {
  return guest::smp::start(cpu, function, argument) == 0 &&
         guest::within(20'000, [=] { return guest::smp::is_off(cpu); });
}

// One file each.
void router();
void bridge();
void between_cpus();
void timers();
void devices();
void translation();
void processor();

}  // namespace suite
