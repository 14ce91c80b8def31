// SPDX-License-Identifier: Apache-2.0
// Performance monitors (D13): they count what this guest does, and nobody else; they keep what they are told, and
// interrupt when one overflows.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint32_t pmu_interrupt = 23;
constexpr uint64_t first = 1;  // event counter 0's bit

void stop() {
  pmcr_el0::write(0);
  pmcntenclr_el0::write(~uint64_t{0});
  pmintenclr_el1::write(~uint64_t{0});
  pmovsclr_el0::write(~uint64_t{0});
}

void count_cycles(uint64_t filter) {
  stop();
  pmccfiltr_el0::write(filter);
  pmccntr_el0::write(0);
  pmcntenset_el0::write(cycles);
  pmcr_el0::write(counters_on);
}

void cycle_counter() {
  count_cycles(0);
  check("cycles_are_counted", within(1000, [] { return pmccntr_el0::read() != 0; }));
  pmcntenclr_el0::write(cycles);
  const uint64_t stopped = pmccntr_el0::read();
  const bool moved = within(5, [=] { return pmccntr_el0::read() != stopped; });
  check("no_cycles_are_counted_without_the_enable", !moved);
  count_cycles(not_at_el1);
  check("no_cycles_are_counted_at_a_level_that_is_filtered", !within(5, [] { return pmccntr_el0::read() != 0; }));
  stop();
  pmccntr_el0::write(0x1234'5678'9abc'def0);
  check_equal("the_cycle_counter_keeps_its_value", pmccntr_el0::read(), 0x1234'5678'9abc'def0);
  pmcr_el0::write(4);
  check_equal("the_cycle_counter_can_be_cleared", pmccntr_el0::read(), 0);
}

void event_counter() {
  stop();
  pmevtyper_el0<0>::write(software_increment);
  pmevcntr_el0<0>::write(7);
  pmselr_el0::write(0);
  check_equal("an_event_counter_is_found_by_its_number", pmxevcntr_el0::read(), 7);
  pmcr_el0::write(counters_on);
  pmswinc_el0::write(first);
  check_equal("an_event_is_not_counted_without_the_enable", pmevcntr_el0<0>::read(), 7);
  pmcntenset_el0::write(first);
  for (unsigned i = 0; i < 5; ++i) pmswinc_el0::write(first);
  check_equal("an_event_counter_counts_its_events_exactly", pmevcntr_el0<0>::read(), 12);
  pmevtyper_el0<0>::write(software_increment | not_at_el1);
  pmswinc_el0::write(first);
  check_equal("an_event_is_not_counted_at_a_level_that_is_filtered", pmevcntr_el0<0>::read(), 12);
  pmcr_el0::write(2);
  check_equal("event_counters_can_be_cleared", pmevcntr_el0<0>::read(), 0);
  stop();
}

constinit volatile uint32_t last_interrupt = 0;
constinit volatile unsigned interrupts = 0;
constinit volatile uint64_t overflowed = 0;

void overflow(uint32_t number) {
  last_interrupt = number;
  interrupts = interrupts + 1;
  overflowed = pmovsclr_el0::read();
  pmovsclr_el0::write(~uint64_t{0});
}

void overflows() {
  stop();
  on_interrupt(overflow);
  gic::enable(pmu_interrupt);
  unmask_interrupts();
  pmccfiltr_el0::write(0);
  pmccntr_el0::write(~uint64_t{0} - 100'000);
  pmintenset_el1::write(cycles);
  pmcntenset_el0::write(cycles);
  pmcr_el0::write(counters_on);
  check("an_overflow_of_the_cycle_counter_interrupts",
        within(5000, [] { return interrupts == 1; }) && last_interrupt == pmu_interrupt);
  check_equal("the_handler_finds_which_counter_it_was", overflowed, cycles);
  check("an_overflow_interrupts_once", !within(5, [] { return interrupts != 1; }));
  stop();

  interrupts = 0;
  pmevtyper_el0<0>::write(software_increment);
  pmevcntr_el0<0>::write(0xffff'fffe);
  pmintenset_el1::write(first);
  pmcntenset_el0::write(first);
  pmcr_el0::write(counters_on);
  pmswinc_el0::write(first);
  check("no_counter_interrupts_before_it_overflows", !within(2, [] { return interrupts != 0; }));
  pmswinc_el0::write(first);
  check("an_overflow_of_an_event_counter_interrupts", within(5000, [] { return interrupts == 1; }));
  check_equal("the_handler_finds_the_event_counter", overflowed, first);
  pmovsset_el0::write(first);
  check("an_overflow_that_software_sets_interrupts", within(5000, [] { return interrupts == 2; }));
  pmintenclr_el1::write(first);
  pmovsset_el0::write(first);
  check("an_overflow_without_the_enable_does_not_interrupt", !within(2, [] { return interrupts != 2; }));
  check_equal("an_overflow_without_the_enable_is_told", pmovsset_el0::read(), first);
  stop();
  mask_interrupts();
  gic::disable(pmu_interrupt);
}

// QEMU counts its clock: a cycle is a nanosecond in which the CPU is at a level that counts. What a hypervisor does for
// this guest or for others is not. Of several sleeps one will do, because whoever counted it would count every one: in the
// others the emulator's thread may have stood still while the guest ran.
void others_cycles() {
  if (is_bare()) return;
  cntv_ctl_el0::write(0);
  gic::enable(virtual_timer_interrupt);
  mask_interrupts();
  bool uncounted = false;
  for (unsigned round = 0; round < 50 && !uncounted; ++round) {
    count_cycles(0);
    const uint64_t start = now();
    cntv_tval_el0::write(ticks(10));
    cntv_ctl_el0::write(1);
    wait_for_interrupt();
    const uint64_t counted = pmccntr_el0::read();
    const uint64_t passed = (now() - start) * (1'000'000'000 / cntfrq_el0::read());
    cntv_ctl_el0::write(0);
    unmask_interrupts();  // what ended this sleep would end the next one at once
    mask_interrupts();
    uncounted = passed > 5'000'000 && counted < passed / 2;
  }
  check("what_is_done_at_el2_is_not_counted", uncounted);
  gic::disable(virtual_timer_interrupt);
  stop();
}

template <unsigned N>
bool counter_exists() {
  return !attempt([] { pmevtyper_el0<N>::write(0), (void)pmevcntr_el0<N>::read(); }).taken;
}

void numbers() {
  const unsigned count = static_cast<unsigned>(pmcr_el0::read() >> 11) & 31;
  check("the_last_event_counter_there_is_exists", count < 6 || counter_exists<5>());
  check("no_event_counter_exists_beyond_the_last", count > 30 || !counter_exists<30>());
  pmcntenset_el0::write(~uint64_t{0});
  check_equal("masks_have_a_bit_for_each_counter", pmcntenset_el0::read(), cycles | ((uint64_t{1} << count) - 1));
  stop();
  check("cycles_are_a_common_event", (pmceid0_el0::read() >> 0x11 & 1) != 0);
}

}  // namespace

void monitors() {
  if (!has_pmu()) return;
  numbers();
  cycle_counter();
  event_counter();
  overflows();
  others_cycles();
}

}  // namespace probe
