// SPDX-License-Identifier: Apache-2.0
// A guest to start with: says hello, shows what it finds, ticks by timer interrupt, and echoes what is typed. `Q`
// powers off, `R` resets, `C` crashes.
#include <cstdint>

#include "cpu.hpp"
#include "common_machine.hpp"
#include "machine.hpp"

using namespace guest;

namespace {
constexpr uint64_t page_size = 4096;
constexpr unsigned ticks_to_show = 3;
constexpr uint64_t tick_milliseconds = 100;
constinit volatile unsigned tick_count = 0;

void tick() { tick_count = tick_count + 1; }

void show_machine() {
  uart.put("hello from a guest at ");
  describe_cpu(uart);
  uart.put("\n");
  if (machine.tree == nullptr) return print("no device tree");
  hal::format(uart, "{} of RAM at {}, {} CPU(s), ", hal::Size{machine.ram.size}, machine.ram.start, cpu_count());
  describe_interrupt_controller(uart);
  print(", arguments \"{}\"", machine.arguments);
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
  start_ticking(tick_milliseconds, tick);
  for (unsigned shown = 0; shown < ticks_to_show;) {
    wait_for_interrupt();
    while (shown < tick_count && shown < ticks_to_show) print("tick {}", ++shown);
  }
}

void crash() { (void)read64(hole_base); }

void echo() {
  print("hello is ready; type: Q powers off, R resets, C crashes, D fills its RAM, anything else comes back");
  while (true) {
    wait_for_interrupt();
    while (uart.has_input()) {
      const char c = uart.get();
      if (c == 'Q') return;
      if (c == 'R') reset();
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

extern "C" void guest_main(uint64_t handover) {
  read_machine(handover);
  show_machine();
  show_ram_is_clean();
  show_ticks();
  echo();
  print("bye");
}
