// SPDX-License-Identifier: Apache-2.0
#include "common_machine.hpp"

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "psci.hpp"
#include "smp.hpp"
#include "trap.hpp"

namespace guest {

namespace {
constinit uint64_t period = 0;
constinit void (*tick_handler)() = nullptr;
constinit InterruptHandler other_handler = nullptr;

void start_tick() {
  cntv_tval_el0::write(period);
  cntv_ctl_el0::write(1);
}

void interrupt(uint32_t number) {
  if (number != virtual_timer_interrupt) {
    if (other_handler != nullptr) other_handler(number);
    return;
  }
  tick_handler();
  start_tick();
}
}  // namespace

void describe_cpu(hal::TextSink& sink) { hal::format(sink, "EL1, CPU {:x}", static_cast<uint32_t>(midr_el1::read())); }
void describe_interrupt_controller(hal::TextSink& sink) { hal::format(sink, "GICv{}", gic::version); }
unsigned cpu_count() { return smp::count(); }

void start_ticking(uint64_t milliseconds, void (*handler)(), InterruptHandler others) {
  period = ticks(milliseconds);
  tick_handler = handler;
  other_handler = others;
  on_interrupt(interrupt);
  gic::enable_distributor();
  gic::enable_cpu();
  gic::enable(virtual_timer_interrupt);
  start_tick();
  unmask_interrupts();
}

void reset() {
  (void)psci::call(psci::system_reset);
  while (true) wait_for_interrupt();
}

}  // namespace guest
