// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "measure.hpp"
#include "psci.hpp"
#include "trap.hpp"

// What the benchmark does to this machine.
namespace bench {

// YIELD lets an emulator with one thread run another CPU.
inline constexpr bool spinning_cpus_take_turns = true;
inline void pause() { asm volatile("yield" ::: "memory"); }

// SGIs.
inline constexpr uint32_t test_signal = 5;
inline constexpr uint32_t reply_signal = 6;
inline void send(uint32_t signal, unsigned cpu) { guest::gic::send(signal, cpu); }

inline void set_timer(uint64_t deadline) {
  guest::cntv_cval_el0::write(deadline);
  guest::cntv_ctl_el0::write(1);
}
inline void fire_timer() { set_timer(0); }

// After the end of its interrupt, or before.
inline constexpr bool timer_may_be_masked_late = true;
inline constinit bool masks_timer_late = false;
inline void mask_timer_late(bool late) { masks_timer_late = late; }
inline void silence_timer() {
  guest::cntv_ctl_el0::write(0);
  taken(Event::timer);
}

inline void interrupt(uint32_t number) {
  switch (number) {
    case test_signal: taken(Event::test); break;
    case reply_signal: taken(Event::reply); break;
    case guest::virtual_timer_interrupt:
      if (!masks_timer_late) silence_timer();
      break;
    default: break;
  }
}
inline void interrupt_ended(uint32_t number) {
  if (number == guest::virtual_timer_interrupt && masks_timer_late) silence_timer();
}

// By a CPU that answers signals.
inline void take_signals() {
  guest::gic::enable_cpu();
  guest::gic::enable(test_signal);
}
// By the boot CPU.
inline void take_interrupts() {
  guest::on_interrupt(interrupt);
  guest::on_interrupt_ended(interrupt_ended);
  guest::gic::enable_distributor();
  take_signals();
  guest::gic::enable(reply_signal);
  guest::gic::enable(guest::virtual_timer_interrupt);
}

inline void use_breakpoints() {
  guest::oslar_el1::write(0);
  guest::mdscr_el1::write(guest::debug_events);
}
inline void use_vectors() {
  guest::cpacr_el1::write(guest::cpacr_el1::read() | 3 << 16);  // ZEN
  asm volatile(".arch_extension sve\n ptrue p0.b\n .arch_extension nosve");
}
// As a profiler does: cycles, and two events.
inline void use_counters() {
  constexpr uint64_t instructions_retired = 0x08, cpu_cycles = 0x11;
  guest::pmevtyper_el0<0>::write(instructions_retired);
  guest::pmevtyper_el0<1>::write(cpu_cycles);
  guest::pmcntenset_el0::write(guest::cycles | 3);
  guest::pmcr_el0::write(guest::counters_on);
}
inline constexpr std::array<Burden, 4> burdens{{{"switch-debug", use_breakpoints},
                                                {"switch-pmu", use_counters},
                                                {"switch-max", [] {}},
                                                {"switch-sve", use_vectors}}};

inline void measure_exits() {
  using namespace guest;
  constexpr uint32_t unknown_function = 0x8600'fff0;  // a vendor's hypervisor call that nobody has
  constexpr uint64_t gicd_iidr = gicd_base + 0x8;
  constexpr uint64_t gicd_isenabler1 = gicd_base + 0x104;
  constexpr uint64_t uart_fr = uart_base + 0x18;
  measure("hypercall", [] { (void)psci::call(unknown_function); });
  measure("psci-version", [] { (void)psci::call(psci::version); });
  measure("gicd-read", [] { (void)read32(gicd_iidr); });
  measure("gicd-write", [] { write32(gicd_isenabler1, 0); });
  measure("uart-read", [] { (void)read32(uart_fr); });
  measure("id-register", [] { (void)id_aa64pfr0_el1::read(); });
  measure("timer-read", [] { (void)cntp_ctl_el0::read(); });
  measure("timer-write", [] { cntp_ctl_el0::write(0); });
}

}  // namespace bench
