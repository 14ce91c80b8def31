// SPDX-License-Identifier: Apache-2.0
// The generic timer (DDI 0487, D12): both counters, both timers of EL1, and their interrupts.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constinit volatile uint32_t last_interrupt = 0;
constinit volatile unsigned interrupt_count = 0;
constexpr uint64_t enable = 1;
constexpr uint64_t masked = 2;
constexpr uint64_t status = 4;

void count_and_silence(uint32_t number) {
  last_interrupt = number;
  interrupt_count = interrupt_count + 1;
  if (number == virtual_timer_interrupt) cntv_ctl_el0::write(0);
  if (number == physical_timer_interrupt) cntp_ctl_el0::write(0);
}

void counters() {
  const uint64_t frequency = cntfrq_el0::read();
  check("the_counter_has_a_frequency", frequency >= 1'000'000 && frequency <= 1'000'000'000);
  const uint64_t first = now();
  check("the_virtual_counter_advances", within(100, [&] { return now() > first; }));
  bool monotonic = true;
  for (uint64_t i = 0, last = now(); i < 1000; ++i) {
    const uint64_t next = now();
    monotonic = monotonic && next >= last;
    last = next;
  }
  check("the_virtual_counter_never_goes_back", monotonic);
  check_quiet("the_physical_counter_is_readable", attempt([] { (void)cntpct_el0::read(); }));
  const uint64_t physical = cntpct_el0::read();
  check("the_physical_counter_advances", within(100, [&] { return cntpct_el0::read() > physical; }));
}

template <class Control, class Value, class Compare>
void one_timer(uint32_t interrupt, std::string_view fires, std::string_view wakes, std::string_view shows,
               std::string_view silent, std::string_view past) {
  Control::write(0);
  gic::enable(interrupt);
  unmask_interrupts();

  interrupt_count = 0;
  last_interrupt = 0;
  Value::write(ticks(10));
  Control::write(enable);
  check(fires, within(1000, [] { return interrupt_count == 1; }) && last_interrupt == interrupt);

  interrupt_count = 0;
  const uint64_t start = now();
  mask_interrupts();
  Value::write(ticks(20));
  Control::write(enable);
  while (interrupt_count == 0 && now() - start < ticks(2000)) {
    wait_for_interrupt();
    unmask_interrupts();
    mask_interrupts();
  }
  check(wakes, interrupt_count == 1 && now() - start >= ticks(19));
  unmask_interrupts();

  interrupt_count = 0;
  Value::write(0);
  Control::write(enable | masked);
  check(shows, within(100, [] { return (Control::read() & status) != 0; }));
  check_equal(silent, interrupt_count, 0);

  Control::write(0);
  Compare::write(1);
  Control::write(enable);
  check(past, within(1000, [] { return interrupt_count == 1; }));
  Control::write(0);
  mask_interrupts();
  gic::disable(interrupt);
}

void values() {
  cntv_cval_el0::write(0x1234'5678'9abc);
  check_equal("the_compare_value_reads_back", cntv_cval_el0::read(), 0x1234'5678'9abc);
  cntv_ctl_el0::write(0);
  cntv_tval_el0::write(0x1000'0000);
  const uint64_t left = cntv_tval_el0::read();
  check("the_timer_value_counts_down", left <= 0x1000'0000 && left > 0x0f00'0000);
  check("the_timer_value_sets_the_compare_value", cntv_cval_el0::read() - now() <= 0x1000'0000);
}

// A level stays pending until the timer is silenced: end of interrupt alone brings it back. Nothing else happens
// meanwhile that could: the guest spins.
void level() {
  static constinit unsigned seen = 0;
  on_interrupt([](uint32_t) {
    if (++seen == 3) cntv_ctl_el0::write(0);
  });
  gic::enable(virtual_timer_interrupt);
  cntv_cval_el0::write(0);
  cntv_ctl_el0::write(enable);
  unmask_interrupts();
  check("a_timer_that_is_not_silenced_interrupts_again", within(1000, [] { return seen == 3; }));
  mask_interrupts();
  gic::disable(virtual_timer_interrupt);
}
}  // namespace

void timers() {
  counters();
  values();
  on_interrupt(count_and_silence);
  one_timer<cntv_ctl_el0, cntv_tval_el0, cntv_cval_el0>(
      virtual_timer_interrupt, "the_virtual_timer_fires", "the_virtual_timer_wakes_wfi_in_time",
      "a_masked_virtual_timer_shows_its_status", "a_masked_virtual_timer_is_silent",
      "a_virtual_timer_set_to_the_past_fires");
  one_timer<cntp_ctl_el0, cntp_tval_el0, cntp_cval_el0>(
      physical_timer_interrupt, "the_physical_timer_fires", "the_physical_timer_wakes_wfi_in_time",
      "a_masked_physical_timer_shows_its_status", "a_masked_physical_timer_is_silent",
      "a_physical_timer_set_to_the_past_fires");
  level();
}

}  // namespace probe
