// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "cpu.hpp"
#include "ipi.hpp"
#include "machine.hpp"
#include "measure.hpp"
#include "trap.hpp"

// What the benchmark does to this machine.
namespace bench {

// No instruction gives way to another CPU: an emulator with one thread goes on with a CPU until it waits.
inline constexpr bool spinning_cpus_take_turns = false;
inline void pause() { asm volatile("nop" ::: "memory"); }

// Interprocessor interrupts. Linux's handler, too, reads which they are and clears them.
inline constexpr uint32_t test_signal = 1;
inline constexpr uint32_t reply_signal = 2;
inline void send(uint32_t signal, unsigned cpu) { guest::ipi::send(cpu, signal); }

inline constexpr std::array<Burden, 0> burdens{};

inline void set_timer(uint64_t deadline) {
  constexpr uint64_t least = 4;
  const uint64_t now = guest::now();
  const uint64_t rest = deadline > now + least ? (deadline - now) & ~uint64_t{3} : least;
  guest::tcfg::write(rest | guest::tcfg_enable);
}
inline void fire_timer() { guest::tcfg::write(4 | guest::tcfg_enable); }

// Its interrupt has no end but that.
inline constexpr bool timer_may_be_masked_late = false;
inline void mask_timer_late(bool) {}

inline void interrupt(unsigned number) {
  if (number == guest::timer_interrupt) {
    guest::ticlr::write(1);
    taken(Event::timer);
  }
  if (number != guest::ipi_interrupt) return;
  const uint32_t signals = guest::iocsr_read32(guest::ipi::status);
  guest::iocsr_write32(guest::ipi::clear, signals);
  if ((signals >> test_signal & 1) != 0) taken(Event::test);
  if ((signals >> reply_signal & 1) != 0) taken(Event::reply);
}

// By a CPU that answers signals.
inline void take_signals() {
  guest::iocsr_write32(guest::ipi::enable, 1U << test_signal | 1U << reply_signal);
  guest::ecfg::write(uint64_t{1} << guest::ipi_interrupt);
}
// By the boot CPU.
inline void take_interrupts() {
  guest::on_interrupt(interrupt);
  take_signals();
  guest::ecfg::write(uint64_t{1} << guest::ipi_interrupt | uint64_t{1} << guest::timer_interrupt);
}

inline void unknown_call() { asm volatile(".word 0x002b87ff" ::: "$a0", "memory"); }  // hvcl 0x7ff

// The names are those of the exits that correspond to them on AArch64.
inline void measure_exits() {
  using namespace guest;
  constexpr uint32_t eiointc_enable = 0x1600;
  constexpr uint64_t uart_line_status = uart_base + 5;
  // On the machine itself nobody answers.
  if (!attempt(unknown_call).taken) measure("hypercall", unknown_call);
  measure("gicd-read", [] { (void)iocsr_read32(eiointc_enable); });
  measure("gicd-write", [] { iocsr_write32(eiointc_enable, 0); });
  measure("uart-read", [] { (void)read8(uart_line_status); });
  measure("id-register", [] { (void)cpucfg(2); });
}

}  // namespace bench
