// SPDX-License-Identifier: Apache-2.0
// Debugs itself without end and counts events of its own, beside others that do the same on the same CPU with other
// addresses and other numbers. The command line is a digit: which of its functions has a breakpoint, and which of its words
// a watchpoint; every other one has none; and, less one, how many events are in a round.
// Prints `debug: N rounds` after each so many rounds, and `debug: wrong ...` when one was not as it should be; the line goes
// on to say so where it has not counted the cycles of others.
#include <array>
#include <cstdint>

#include "cpu.hpp"
#include "machine.hpp"
#include "trap.hpp"

using namespace guest;

namespace {

constexpr unsigned places = 4;
constexpr unsigned rounds_of_a_report = 100;

template <unsigned>
[[gnu::naked, gnu::noinline]] void function() {
  asm volatile("nop\n ret");
}
constinit std::array<void (*)(), places> functions{&function<0>, &function<1>, &function<2>, &function<3>};
alignas(64) constinit std::array<uint64_t, places> words{};

uint64_t address(unsigned place) { return reinterpret_cast<uint64_t>(functions[place]); }
uint64_t address_of_word(unsigned place) { return reinterpret_cast<uint64_t>(&words[place]); }

// The exception class of each, 0 for none.
unsigned call(unsigned place) {
  const Fault fault = attempt([&] { asm volatile("blr %0" : : "r"(functions[place]) : "x30", "memory"); });
  return fault.taken ? fault.exception_class() : 0;
}
unsigned touch(unsigned place) {
  const Fault fault = attempt([&] { (void)read32(address_of_word(place)); });
  return fault.taken ? fault.exception_class() : 0;
}
// One instruction from a place that has no breakpoint.
unsigned step() {
  const Fault fault = attempt([] {
    asm volatile(
        "mrs x10, mdscr_el1\n orr x9, x10, #1\n msr mdscr_el1, x9\n"
        "adr x9, 1f\n msr elr_el1, x9\n mov x9, #0x1c5\n movk x9, #0x20, lsl #16\n msr spsr_el1, x9\n isb\n eret\n"
        "1: nop\n nop\n"
        :
        :
        : "x9", "x10", "memory");
  });
  return fault.taken ? fault.exception_class() : 0;
}

bool expect(const char* what, uint64_t seen, uint64_t expected) {
  if (seen == expected) return true;
  print("debug: wrong {}: {:#x}, not {:#x}", what, seen, expected);
  return false;
}

// Cycles of QEMU's CPUs are nanoseconds. Spins until time jumps, because somebody else has had the CPU: the cycles of that
// are not to be among ours. Now and then it may be the emulator that was stopped, and its clock and cycles go on.
constinit unsigned jumps = 0, uncounted = 0;
void look_at_cycles() {
  const uint64_t nanoseconds = 1'000'000'000 / cntfrq_el0::read();
  const uint64_t counted = pmccntr_el0::read(), start = now();
  uint64_t last = start, jump = 0;
  while (jump < 200'000 && last - start < ticks(5)) {
    const uint64_t time = now();
    jump = (time - last) * nanoseconds;
    last = time;
  }
  if (jump < 200'000) return;
  const uint64_t passed = (last - start) * nanoseconds;
  ++jumps;
  if (pmccntr_el0::read() - counted < passed - jump / 2) ++uncounted;
}
bool counts_itself_alone() { return jumps >= 50 && uncounted > jumps / 2; }

void start_counters() {
  pmcr_el0::write(0);
  pmevtyper_el0<0>::write(software_increment);
  pmevcntr_el0<0>::write(0);
  pmccfiltr_el0::write(0);
  pmcntenset_el0::write(cycles | 1);
  pmcr_el0::write(counters_on);
}

bool count(unsigned own) {
  static constinit uint64_t events = 0;
  for (unsigned i = 0; i <= own; ++i, ++events) pmswinc_el0::write(1);
  look_at_cycles();
  return expect("count of events", pmevcntr_el0<0>::read(), events & 0xffff'ffff);
}

bool round(unsigned own) {
  const unsigned other = (own + 1) % places;
  mdscr_el1::write(debug_events);  // the step switches everything off
  unmask_debug();
  return expect("address of the breakpoint", dbgbvr_el1<0>::read(), address(own)) &&
         expect("address of the watchpoint", dbgwvr_el1<0>::read(), address_of_word(own)) &&
         expect("own function", call(own), ec_breakpoint) && expect("other function", call(other), 0) &&
         expect("own word", touch(own), ec_watchpoint) && expect("other word", touch(other), 0) &&
         expect("step", step(), ec_step) && (!has_pmu() || count(own));
}

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  const unsigned own = static_cast<unsigned>(machine.arguments[0] - '0') % places;
  oslar_el1::write(0);
  dbgbvr_el1<0>::write(address(own));
  dbgbcr_el1<0>::write(breakpoint_at_el1);
  dbgwvr_el1<0>::write(address_of_word(own));
  dbgwcr_el1<0>::write(watchpoint_at_el1);
  if (has_pmu()) start_counters();
  for (unsigned rounds = 1; round(own); ++rounds) {
    if (rounds % rounds_of_a_report == 0) print("debug: {} rounds{}", rounds, counts_itself_alone() ? ", alone" : "");
  }
}
