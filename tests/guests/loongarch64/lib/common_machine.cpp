// SPDX-License-Identifier: Apache-2.0
#include "common_machine.hpp"

#include "cpu.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

namespace guest {

namespace {
constexpr uint8_t reset_value = 0x42;

constinit void (*tick_handler)() = nullptr;
constinit InterruptHandler other_handler = nullptr;

void interrupt(unsigned number) {
  if (number != timer_interrupt) {
    if (other_handler != nullptr) other_handler(number);
    return;
  }
  ticlr::write(1);
  tick_handler();
}
}  // namespace

void describe_cpu(hal::TextSink& sink) { hal::format(sink, "PLV0, CPU {:x}", cpucfg(0)); }

void describe_interrupt_controller(hal::TextSink& sink) {
  sink.put(machine.tree->find_compatible("loongson,ls2k2000-eiointc") ? "EIOINTC" : "no interrupt controller");
}

unsigned cpu_count() { return smp::count(); }

// 7.6.2: the initial value is a multiple of 4, and starts over by itself.
void start_ticking(uint64_t milliseconds, void (*handler)(), InterruptHandler others) {
  tick_handler = handler;
  other_handler = others;
  on_interrupt(interrupt);
  ecfg::write(uint64_t{1} << timer_interrupt);
  tcfg::write((ticks(milliseconds) & ~uint64_t{3}) | tcfg_periodic | tcfg_enable);
  unmask_interrupts();
}

void reset() {
  write8(reset_register, reset_value);
  while (true) wait_for_interrupt();
}

}  // namespace guest
