// SPDX-License-Identifier: Apache-2.0
// A guest to start with: says hello, shows what it finds, ticks by timer interrupt, and echoes what is typed. `Q`
// powers off, `R` resets, `C` crashes.
#include <cstdint>

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "psci.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace {
constexpr uint64_t page_size = 4096;
constexpr unsigned ticks_to_show = 3;
constexpr uint64_t tick_milliseconds = 100;
constinit volatile unsigned tick_count = 0;

void start_tick() {
  cntv_tval_el0::write(ticks(tick_milliseconds));
  cntv_ctl_el0::write(1);
}

void interrupt(uint32_t number) {
  if (number != virtual_timer_interrupt) return;
  tick_count = tick_count + 1;
  start_tick();
}

void show_machine() {
  print("hello from a guest at EL{}, CPU {:x}", 1u, static_cast<uint32_t>(midr_el1::read()));
  if (machine.tree == nullptr) {
    print("no device tree");
  } else {
    print("{} of RAM at {}, {} CPU(s), GICv{}, arguments \"{}\"", hal::Size{machine.ram.size}, machine.ram.start,
          smp::count(), machine.gic, machine.arguments);
  }
}

// Memory of another VM, or of this one before a reset, must not be found here.
void show_ram_is_clean() {
  const hal::HostPhysRange ram = unused_ram();
  for (uint64_t at = ram.start.value(); at < ram.start.value() + ram.size; at += page_size) {
    if (read64(at) != 0) return print("RAM is dirty at {:#x}", at);
  }
  print("RAM is clean");
}

void fill_ram() {
  const hal::HostPhysRange ram = unused_ram();
  for (uint64_t at = ram.start.value(); at < ram.start.value() + ram.size; at += page_size) write64(at, ~at);
  print("RAM is full");
}

void show_ticks() {
  on_interrupt(interrupt);
  gic::enable_distributor();
  gic::enable_cpu();
  gic::enable(virtual_timer_interrupt);
  start_tick();
  unmask_interrupts();
  for (unsigned shown = 0; shown < ticks_to_show;) {
    wait_for_interrupt();
    while (shown < tick_count && shown < ticks_to_show) print("tick {}", ++shown);
  }
}

void crash() { asm volatile("ldr x0, [%0]" : : "r"(hole_base) : "x0", "memory"); }

void echo() {
  print("hello is ready; type: Q powers off, R resets, C crashes, D fills its RAM, anything else comes back");
  while (true) {
    wait_for_interrupt();
    while (uart.has_input()) {
      const char c = uart.get();
      if (c == 'Q') return;
      if (c == 'R') (void)psci::call(psci::system_reset);
      if (c == 'C') crash();
      if (c == 'D') fill_ram();
      if (c == '\r') {
        uart.put("\n");
      } else {
        uart.put(c);
      }
    }
  }
}
}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  show_machine();
  show_ram_is_clean();
  show_ticks();
  echo();
  print("bye");
}
