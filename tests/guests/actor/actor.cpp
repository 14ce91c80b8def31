// SPDX-License-Identifier: Apache-2.0
// A guest that does what is typed, a letter for each deed, for tests of a VM's life. It first says whether it finds its
// machine as after power-on.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "common_machine.hpp"
#include "cpu.hpp"
#include "devices.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "wait.hpp"

using namespace guest;

namespace {

constexpr uint64_t tick_milliseconds = 50;
constinit volatile uint32_t ticks_seen = 0;

void tick() {
  ticks_seen = ticks_seen + 1;
  actor::tick();
}

// --- deeds
// -----------------------------------------------------------------------------------------------------------

// As an operating system that looks for work between waking and taking the interrupt.
void sleep_masked() {
  mask_interrupts();
  print("actor: sleeps");
  while (true) {
    wait_for_interrupt();
    unmask_interrupts();
    mask_interrupts();
  }
}

void tell() { print("actor: alive, tick {}", uint32_t{ticks_seen}); }

void dirty() {
  mask_interrupts();
  actor::dirty_machine();
  print("actor: {} things are not as after power-on", actor::count_differences(false));
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

// The largest gap between two looks at the counter in a second: how long this CPU was taken away at most.
void measure_gaps() {
  mask_interrupts();
  const uint64_t frequency = ticks(1000);
  uint64_t longest = 0, gaps = 0, lost = 0;
  uint64_t last = now();
  const uint64_t end = last + frequency;
  const uint64_t gap = frequency / 250'000;  // 4 us
  while (last < end) {
    const uint64_t next = now();
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
  struct Look {
    uint64_t counter, other, clock;
  };
  const auto look = [] { return Look{now(), actor::other_counter(), actor::clock_seconds()}; };
  Look last = look(), most{};
  print("actor: watches its clocks");  // who reads it may freeze the guest: the next look is the first behind that
  for (bool asked = false; !asked;) {
    asked = uart.has_input();  // first: between this and the end of the loop there is a look, whenever it was frozen
    const Look next = look();
    most.counter = std::max(most.counter, next.counter - last.counter);
    most.other = std::max(most.other, next.other - last.other);
    most.clock = std::max(most.clock, next.clock - last.clock);
    last = next;
  }
  const uint64_t frequency = ticks(1000);
  print("actor: at most {} s of its counter, {} s of the other one, {} s of its clock between two looks",
        most.counter / frequency, most.other / frequency, most.clock);
  unmask_interrupts();
}

void sleep_until(uint64_t end) {
  while (now() < end) wait_for_interrupt();
}

void sleep_ten_seconds() {
  sleep_until(now() + ticks(10'000));
  print("actor: has slept ten seconds");
}

void sleep_a_minute() {
  sleep_until(now() + ticks(60'000));
  print("actor: has slept a minute");
}

// Until something is typed: fills memory with what no other guest writes, and sees that nobody touches it. Every guest
// that does this uses the same addresses.
void guard_memory() {
  const auto [start, size] = actor::mapped_ram();
  constexpr uint64_t step = 512;  // several to a page, and all of the TLB's entries
  const auto word = [start](uint64_t offset) { return reinterpret_cast<volatile uint64_t*>(start + offset); };
  uint64_t secret = 0;
  if (const auto chosen = machine.tree->find("/chosen")) {
    if (const auto seed = chosen->property("kaslr-seed")) secret = seed->u64().value_or(0);
  }
  for (uint64_t offset = 0; offset < size; offset += step) *word(offset) = secret + offset;
  print("actor: guards its memory");
  uint64_t looks = 0, wrong = 0;
  // At least once: whoever attacks may be done, and somebody have typed, before this VM had its first turn.
  do {
    for (uint64_t offset = 0; offset < size; offset += step, ++looks) {
      if (*word(offset) != secret + offset) ++wrong;
      *word(offset) = secret + 1 + offset;
    }
    ++secret;
  } while (!uart.has_input());
  print("actor: guarded its memory in {} looks, {} were wrong", looks, wrong);
}

// --- the other CPUs
// --------------------------------------------------------------------------------------------------

constinit std::array<volatile uint32_t, smp::max_cpus> runs{};

void run_once(uint64_t cpu) { runs[cpu] = runs[cpu] + 1; }

// A start races the end before it: a CPU is started again as soon as it counts as off, and every start has to arrive.
void start_others(unsigned starts_of_each) {
  const unsigned cpus = smp::count();
  std::array<uint32_t, smp::max_cpus> started{};
  for (unsigned cpu = 1; cpu < cpus; ++cpu) runs[cpu] = 0;
  for (unsigned done = 0; done < starts_of_each * (cpus - 1);) {
    for (unsigned cpu = 1; cpu < cpus; ++cpu) {
      if (started[cpu] == starts_of_each || smp::start(cpu, run_once, cpu) != 0) continue;
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

constexpr std::array deeds{
    actor::Deed{'?', tell},
    actor::Deed{'D', dirty},
    actor::Deed{'S', spin},
    actor::Deed{'N', sleep_masked},
    actor::Deed{'C', compute},
    actor::Deed{'G', measure_gaps},
    actor::Deed{'V', watch_clocks},
    actor::Deed{'z', sleep_ten_seconds},
    actor::Deed{'Z', sleep_a_minute},
    actor::Deed{'M', guard_memory},
    actor::Deed{'T', start_often},
    actor::Deed{'t', start_for_ever},
    actor::Deed{'R', reset},
    actor::Deed{'Q', power_off},
};

void act(char letter) {
  for (const std::span<const actor::Deed> some : {std::span<const actor::Deed>(deeds), actor::own_deeds()}) {
    for (const actor::Deed& deed : some) {
      if (deed.letter == letter) return deed.act();
    }
  }
}

}  // namespace

extern "C" void guest_main(uint64_t handover) {
  read_machine(handover);
  print("actor: {} things are not as after power-on", actor::count_differences(true));
  start_ticking(tick_milliseconds, tick, actor::interrupt);
  print("actor: ready");
  for (const char letter : machine.arguments) act(letter);
  while (true) {
    wait_for_interrupt();
    while (uart.has_input()) act(uart.get());
  }
}
