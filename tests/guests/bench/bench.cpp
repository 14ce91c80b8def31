// SPDX-License-Identifier: Apache-2.0
// What exits and interrupts cost, as a guest sees it. Needs what QEMU's `virt` has alone, so that it runs bare and under
// any hypervisor. Each line is `bench NAME TICKS COUNT`: ticks of the virtual counter for so many operations.
// `./plinth bench` runs it where one instruction takes one nanosecond; the counter's own steps are larger, hence the
// many repetitions, which start at varying distances from a step.
//
// Words on the command line choose what it does:
//     (none)   exits, interrupts, and SGIs to a second CPU if there is one
//     later    the same, after sleeping until whoever else is there has gone to sleep
//     crowd    the same, with all further CPUs started and asleep
//     switch   two vCPUs that share one CPU: what it costs to go from one to the other
//     switch-X the same, with both of them using X (bench_machine.hpp)
//     idle     nothing, for ever
//     tree     prints its device tree, as hexadecimal digits
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "bench_machine.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "measure.hpp"
#include "smp.hpp"

using namespace guest;
using namespace bench;

namespace {
constexpr unsigned interrupt_repetitions = 512;
constexpr uint64_t sleep_milliseconds = 1000;

using Counter = std::atomic<uint32_t>;

enum class Wait : uint32_t { spinning, idle, answering, done };
constinit std::atomic<Wait> other_waits{Wait::spinning};
constinit Counter sgis{0};  // taken, by whichever CPU
constinit Counter replies{0};
constinit Counter timers{0};
constinit Counter seen{0};  // by the other CPU's loop, after its handler
constinit std::atomic<uint64_t> seen_at{0};

// So long that the other CPU has gone back to its wait, and of varying length.
void settle(unsigned round) {
  for (unsigned i = 0; i < 200; ++i) pause();
  for (unsigned i = 0; i < round * 5 % 16; ++i) asm volatile("nop");
}

// `round` performs `operations` of a kind and returns the ticks that they took.
template <class Round>
void measure_rounds(std::string_view name, Round round, unsigned operations = 1) {
  for (unsigned i = 0; i < 4; ++i) (void)round();
  uint64_t spent = 0;
  for (unsigned i = 0; i < interrupt_repetitions; ++i) {
    settle(i);
    spent += round();
  }
  report(name, spent, interrupt_repetitions * operations);
}

uint64_t self_sgi() {
  const uint32_t before = sgis.load();
  const uint64_t start = now();
  send(test_signal, cpu_number());
  while (sgis.load() == before) pause();
  return now() - start;
}

uint64_t due_timer() {
  const uint32_t before = timers.load();
  const uint64_t start = now();
  fire_timer();
  while (timers.load() == before) pause();
  return now() - start;
}

// The whole turn: until both CPUs are where they were, which for one that sleeps is asleep. Every CPU's instructions
// take time, so that is what a pause that begins with an SGI takes more than one without.
[[maybe_unused]] void measure_sgi_to_other(std::string_view name) {
  uint64_t alone = 0;
  uint64_t with_sgi = 0;
  for (unsigned i = 0; i < interrupt_repetitions; ++i) {
    settle(i);
    const uint64_t start = now();
    settle(i);
    const uint64_t middle = now();
    send(test_signal, 1);
    settle(i);
    with_sgi += now() - middle;
    alone += middle - start;
  }
  report(name, with_sgi - alone, interrupt_repetitions);
}

// There and back, with both CPUs idle meanwhile.
void await_reply() {
  const uint32_t before = replies.load();
  send(test_signal, 1);
  mask_interrupts();
  while (replies.load() == before) {
    wait_for_interrupt();
    unmask_interrupts();
    mask_interrupts();
  }
  unmask_interrupts();
}

uint64_t ping_pong() {
  const uint64_t start = now();
  await_reply();
  return now() - start;
}

// For a sender that must wait to let the other CPU run: until that one was back from its handler.
[[maybe_unused]] uint64_t sgi_to_answering() {
  const uint64_t start = now();
  await_reply();
  return seen_at.load() - start;
}

// The other CPU: waits for SGIs in the manner that is asked for.
void other_main(uint64_t burden) {
  take_signals();
  if (burden != 0) reinterpret_cast<const Burden*>(burden)->use();
  uint32_t known = sgis.load();
  seen_at.store(now());
  seen.fetch_add(1);
  mask_interrupts();
  for (Wait wait = other_waits.load(); wait != Wait::done; wait = other_waits.load()) {
    if (wait == Wait::spinning) {
      pause();
    } else {
      wait_for_interrupt();
    }
    unmask_interrupts();
    const uint64_t at = now();
    const uint32_t taken = sgis.load();
    mask_interrupts();
    if (taken == known) continue;
    known = taken;
    seen_at.store(at);
    if (wait == Wait::answering) send(reply_signal, 0);
    seen.fetch_add(1);
  }
}

// The mode changes with the next SGI at the latest.
void set_wait(Wait wait) {
  other_waits.store(wait);
  settle(0);
  send(test_signal, 1);
  settle(0);
}

// Two vCPUs that keep a CPU busy: each counts its turns of a loop of fixed length, and how often the counter leapt
// because the other had the CPU. The time that the turns of both do not account for went into the switches.
struct Turns {
  uint64_t count;
  uint64_t leaps;
};
constexpr uint64_t calibration_milliseconds = 2;
constexpr uint64_t slices_milliseconds = 40;
constinit std::atomic<uint64_t> slices_begin{0};
constinit Turns other_turns{};
constinit std::atomic<bool> other_is_done{false};

[[gnu::noinline]] Turns take_turns(uint64_t end) {
  const uint64_t leap = ticks(1000) / 100'000;  // 10 us: longer than any exit, shorter than any slice
  Turns turns{};
  uint64_t last = now();
  while (last < end) {
    const uint64_t time = now();
    if (time - last > leap) ++turns.leaps;
    last = time;
    ++turns.count;
  }
  return turns;
}

void other_takes_turns(uint64_t) {
  const uint64_t begin = slices_begin.load();
  (void)take_turns(begin);
  other_turns = take_turns(begin + ticks(slices_milliseconds));
  other_is_done.store(true);
}

void measure_slices() {
  const uint64_t start = now();
  const Turns alone = take_turns(start + ticks(calibration_milliseconds));
  const uint64_t alone_ticks = now() - start;
  const uint64_t begin = now() + ticks(calibration_milliseconds);
  slices_begin.store(begin);
  if (smp::start(1, other_takes_turns, 0) != 0) return print("bench: the other CPU does not start");
  (void)take_turns(begin);
  const Turns own = take_turns(begin + ticks(slices_milliseconds));
  while (!other_is_done.load()) pause();
  const uint64_t explained = (own.count + other_turns.count) * alone_ticks / alone.count;
  report("switch-slice", ticks(slices_milliseconds) - explained, static_cast<unsigned>(own.leaps + other_turns.leaps));
  while (!smp::is_off(1)) pause();
}

// Each trip is one switch and what makes it necessary: an SGI to the other vCPU, and WFI.
void measure_switches(std::string_view name, const Burden* burden = nullptr) {
  const uint32_t before = seen.load();
  other_waits.store(Wait::answering);
  if (smp::start(1, other_main, reinterpret_cast<uint64_t>(burden)) != 0) {
    return print("bench: the other CPU does not start");
  }
  while (seen.load() == before) pause();
  if (burden != nullptr) burden->use();
  measure_rounds(name, ping_pong, 2);
  set_wait(Wait::done);
}

// Further CPUs do nothing but exist.
void start_crowd() {
  const auto sleep_for_ever = [](uint64_t) {
    mask_interrupts();
    while (true) wait_for_interrupt();
  };
  for (unsigned cpu = smp::count() - 1; cpu > 1; --cpu) (void)smp::start(cpu, sleep_for_ever, 0);
}

void sleep() {
  const uint32_t before = timers.load();
  set_timer(now() + ticks(sleep_milliseconds));
  mask_interrupts();
  while (timers.load() == before) {
    wait_for_interrupt();
    unmask_interrupts();
    mask_interrupts();
  }
}

void print_tree() {
  for (const std::byte part : machine.tree->bytes()) print("tree {:02x}", static_cast<unsigned>(part));
}

void measure_interrupts() {
  unmask_interrupts();
  measure_rounds("sgi-self", self_sgi);
  measure_rounds("timer", due_timer);
  if constexpr (timer_may_be_masked_late) {
    mask_timer_late(true);
    measure_rounds("timer-late", due_timer);
    mask_timer_late(false);
  }
}

void measure_other_cpu() {
  if (smp::count() < 2) return;
  const uint32_t before = seen.load();
  if constexpr (!spinning_cpus_take_turns) other_waits.store(Wait::answering);
  if (smp::start(1, other_main, 0) != 0) return print("bench: the other CPU does not start");
  while (seen.load() == before) pause();
  if constexpr (spinning_cpus_take_turns) {
    measure_sgi_to_other("sgi-spinning");
    set_wait(Wait::idle);
    measure_sgi_to_other("sgi-idle");
    set_wait(Wait::answering);
  } else {
    measure_rounds("sgi-idle", sgi_to_answering);
  }
  measure_rounds("ping-pong", ping_pong);
  set_wait(Wait::done);
  while (!smp::is_off(1)) pause();
}
}  // namespace

void bench::taken(Event event) {
  constinit static Counter* const counters[] = {&sgis, &replies, &timers};
  counters[static_cast<size_t>(event)]->fetch_add(1);
}

extern "C" void guest_main(uint64_t handover) {
  const uint64_t entered = now();
  read_machine(handover);
  const auto asked_for = [](std::string_view word) { return machine.arguments == word; };
  if (asked_for("tree")) return print_tree();
  while (asked_for("idle")) wait_for_interrupt();
  report("entry", entered, 1);
  print("bench frequency {} 1", ticks(1000));
  take_interrupts();
  if (asked_for("crowd")) start_crowd();
  if (asked_for("later") || asked_for("crowd")) sleep();
  const auto burden = std::ranges::find_if(burdens, asked_for, &Burden::figure);
  if (burden != burdens.end()) {
    unmask_interrupts();
    measure_switches(burden->figure, &*burden);
  } else if (asked_for("switch")) {
    unmask_interrupts();
    measure_slices();
    measure_switches("switch-wait");
  } else {
    measure_exits();
    measure_interrupts();
    measure_other_cpu();
  }
  print("bench complete");
}
