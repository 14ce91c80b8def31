// SPDX-License-Identifier: Apache-2.0
// A guest that does what is typed, a letter for each deed, for tests of a VM's life. It first says whether it finds its
// machine as after power-on.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "cpu.hpp"
#include "devices.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "psci.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace {

constexpr uint64_t tick_milliseconds = 50;
constinit volatile uint32_t ticks_seen = 0;
constinit bool ends_by_key = false;
constinit bool feeds_watchdog = false;

void start_tick() {
  cntv_tval_el0::write(ticks(tick_milliseconds));
  cntv_ctl_el0::write(1);
}

void interrupt(uint32_t number) {
  switch (number) {
    case virtual_timer_interrupt:
      ticks_seen = ticks_seen + 1;
      start_tick();
      if (feeds_watchdog) actor::refresh_watchdog();
      return;
    case actor::power_key_interrupt:
      actor::clear_power_key();
      print("actor: the power key");
      if (ends_by_key) power_off();
      return;
    case actor::watchdog_interrupt: print("actor: the watchdog barks"); return gic::disable(actor::watchdog_interrupt);
    default: return;
  }
}

// --- deeds
// -----------------------------------------------------------------------------------------------------------

void tell() { print("actor: alive, tick {}", uint32_t{ticks_seen}); }

void dirty() {
  mask_interrupts();
  actor::dirty_machine();
  print("actor: {} things are not as after power-on", actor::count_differences(false));
}

void end_by_key() {
  ends_by_key = true;
  actor::expect_power_key();
  print("actor: will end by the power key");
}

void ignore_key() {
  actor::expect_power_key();
  print("actor: will ignore the power key");
}

void spin() {
  mask_interrupts();
  print("actor: spins");
  while (true) {
  }
}

// Computes with interrupts enabled: as busy as spin(), and alive.
void compute() {
  print("actor: computes");
  while (!uart.has_input()) {
    for (volatile unsigned i = 0; i < 1'000'000; i = i + 1) {
    }
  }
}

void starve_watchdog() {
  print("actor: leaves its watchdog alone");
  actor::start_watchdog(300);
}

void crash_by_watchdog() { actor::start_watchdog(10); }

void feed_watchdog() {
  feeds_watchdog = true;
  print("actor: feeds its watchdog");
  actor::start_watchdog(2000);
}

void turn_off() {
  print("actor: turns its CPU off");
  (void)psci::call(psci::cpu_off);
}

// The largest gap between two looks at the counter in a second: how long this CPU was taken away at most.
void measure_gaps() {
  mask_interrupts();
  const uint64_t frequency = cntfrq_el0::read();
  uint64_t longest = 0, gaps = 0, lost = 0;
  uint64_t last = cntvct_el0::read();
  const uint64_t end = last + frequency;
  const uint64_t gap = frequency / 250'000;  // 4 us
  while (last < end) {
    const uint64_t next = cntvct_el0::read();
    const uint64_t took = next - last;
    last = next;
    if (took > longest) longest = took;
    if (took < gap) continue;
    ++gaps;
    lost += took;
  }
  const uint64_t nanoseconds = 1'000'000'000 / frequency;
  print("actor: away {} times, at most {} us, together {} us in a second", gaps, longest * nanoseconds / 1000,
        lost * nanoseconds / 1000);
  unmask_interrupts();
}

// Until something is typed: how far the counters and the real-time clock moved at most between two looks.
void watch_clocks() {
  mask_interrupts();
  print("actor: watches its clocks");
  struct Look {
    uint64_t counter, physical, clock;
  };
  const auto look = [] { return Look{now(), cntpct_el0::read(), read32(rtc_base)}; };
  Look last = look(), most{};
  while (!uart.has_input()) {
    const Look next = look();
    most.counter = std::max(most.counter, next.counter - last.counter);
    most.physical = std::max(most.physical, next.physical - last.physical);
    most.clock = std::max(most.clock, next.clock - last.clock);
    last = next;
  }
  const uint64_t frequency = cntfrq_el0::read();
  print("actor: at most {} s of its counter, {} s of the physical one, {} s of its clock between two looks",
        most.counter / frequency, most.physical / frequency, most.clock);
  unmask_interrupts();
}

void sleep_a_minute() {
  const uint64_t end = now() + ticks(60'000);
  while (now() < end) wait_for_interrupt();
  print("actor: has slept a minute");
}

// --- the other CPUs
// --------------------------------------------------------------------------------------------------

constinit std::array<volatile uint32_t, smp::max_cpus> runs{};

void run_once(uint64_t cpu) { runs[cpu] = runs[cpu] + 1; }

// CPU_ON races CPU_OFF: a CPU is started again as soon as PSCI lets it be, and every start has to arrive.
void start_others(unsigned starts_of_each) {
  const unsigned cpus = smp::count();
  std::array<uint32_t, smp::max_cpus> started{};
  for (unsigned cpu = 1; cpu < cpus; ++cpu) runs[cpu] = 0;
  for (unsigned done = 0; done < starts_of_each * (cpus - 1);) {
    for (unsigned cpu = 1; cpu < cpus; ++cpu) {
      if (started[cpu] == starts_of_each || smp::start(cpu, run_once, cpu) != psci::success) continue;
      ++started[cpu];
      ++done;
    }
  }
  unsigned lost = 0;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) {
    if (!within(5000, [&] { return runs[cpu] == started[cpu] && smp::is_off(cpu); })) ++lost;
  }
  print("actor: {} CPUs started {} times each, {} starts went wrong", cpus - 1, starts_of_each, lost);
}

void start_often() { start_others(200); }

void start_for_ever() {
  while (!uart.has_input()) start_others(20);
}

struct Deed {
  char letter;
  void (*act)();
};
constexpr std::array deeds{
    Deed{'?', tell},
    Deed{'D', dirty},
    Deed{'K', end_by_key},
    Deed{'k', ignore_key},
    Deed{'S', spin},
    Deed{'C', compute},
    Deed{'W', starve_watchdog},
    Deed{'w', feed_watchdog},
    Deed{'x', crash_by_watchdog},
    Deed{'O', turn_off},
    Deed{'G', measure_gaps},
    Deed{'V', watch_clocks},
    Deed{'Z', sleep_a_minute},
    Deed{'T', start_often},
    Deed{'t', start_for_ever},
    Deed{'R', [] { (void)psci::call(psci::system_reset); }},
    Deed{'Q', power_off},
};

void act(char letter) {
  for (const Deed& deed : deeds) {
    if (deed.letter == letter) return deed.act();
  }
}

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  print("actor: {} things are not as after power-on", actor::count_differences(true));
  on_interrupt(interrupt);
  gic::enable_distributor();
  gic::enable_cpu();
  gic::enable(virtual_timer_interrupt);
  start_tick();
  unmask_interrupts();
  print("actor: ready");
  for (const char letter : machine.arguments) act(letter);
  while (true) {
    wait_for_interrupt();
    while (uart.has_input()) act(uart.get());
  }
}
