// SPDX-License-Identifier: Apache-2.0
// The two timers of EL1 (DDI 0487, D12.2), their status, and their outputs as the interrupt controller sees them.
#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint64_t enable = 1;
constexpr uint64_t masked = 2;
constexpr uint64_t status = 4;

struct Names {
  std::string_view far, past, level, clear, off, mask, unmask, delivered, in_time, again, sleep, negative, counts, wide;
};

// A timer's registers and its interrupt.
template <class Control, class Value, class Compare, uint32_t interrupt, class Counter>
void one(const Names& names) {
  const auto set = [](uint64_t compare, uint64_t control) {
    Compare::write(compare);
    Control::write(control);
  };
  Control::write(0);
  gic::disable(interrupt);

  set(Counter::read() + ticks(10'000), enable);
  check(names.far, (Control::read() & status) == 0 && !gic::is_pending(interrupt));
  set(Counter::read() - 1, enable);
  check(names.past, (Control::read() & status) != 0 && gic::is_pending(interrupt));
  gic::clear_pending(interrupt);
  check(names.level, gic::is_pending(interrupt));
  gic::enable(interrupt);
  check(names.delivered, take() == interrupt && gic::is_active(interrupt));
  Control::write(0);
  gic::end(interrupt);
  check(names.clear, !gic::is_pending(interrupt) && !gic::is_active(interrupt) && is_quiet());

  gic::disable(interrupt);
  set(Counter::read() - 1, enable);
  Control::write(0);
  check(names.off, !gic::is_pending(interrupt) && (gic::enable(interrupt), is_quiet()));
  set(Counter::read() - 1, enable | masked);
  check(names.mask, (Control::read() & status) != 0 && !gic::is_pending(interrupt) && is_quiet());
  Control::write(enable);
  check(names.unmask, take() == interrupt);
  set(Counter::read() + ticks(10'000), enable);
  gic::end(interrupt);
  check(names.again, is_quiet());

  const uint64_t start = Counter::read();
  set(start + ticks(10), enable);
  const uint32_t token = take();
  check(names.in_time, token == interrupt && Counter::read() - start >= ticks(10));
  Control::write(0);
  gic::end(token);

  const uint64_t before = Counter::read();
  Value::write(ticks(20));
  Control::write(enable);
  while ((isr_el1::read() & 0x80) == 0 && Counter::read() - before < ticks(2000)) wait_for_interrupt();
  check(names.sleep, Counter::read() - before >= ticks(20) && take() == interrupt);
  Control::write(0);
  gic::end(interrupt);

  Value::write(0xffff'ffff);  // -1
  Control::write(enable | masked);
  check(names.negative, (Control::read() & status) != 0 && static_cast<int32_t>(Value::read()) < 0);
  Compare::write(Counter::read() + 0x1000'0000);
  check(names.counts, Value::read() <= 0x1000'0000 && Value::read() > 0x0f00'0000);
  Compare::write(~uint64_t{0});
  check(names.wide, Compare::read() == ~uint64_t{0} && (Control::read() & status) == 0);
  Control::write(0);
  gic::disable(interrupt);
}

struct VirtualCounter {
  static uint64_t read() { return now(); }
};
struct PhysicalCounter {
  static uint64_t read() {
    barrier();
    return cntpct_el0::read();
  }
};

void both() {
  one<cntv_ctl_el0, cntv_tval_el0, cntv_cval_el0, virtual_timer_interrupt, VirtualCounter>(
      {.far = "a_virtual_timer_of_the_far_future_is_silent",
       .past = "a_virtual_timer_of_the_past_makes_its_interrupt_pending",
       .level = "clearing_that_does_not_stop_the_virtual_timer",
       .clear = "turning_the_virtual_timer_off_ends_its_interrupt",
       .off = "a_virtual_timer_turned_off_in_time_does_not_interrupt",
       .mask = "a_masked_virtual_timer_has_its_status_and_no_interrupt",
       .unmask = "unmasking_it_lets_the_virtual_timer_interrupt",
       .delivered = "the_virtual_timers_interrupt_comes",
       .in_time = "the_virtual_timer_does_not_fire_early",
       .again = "set_anew_the_virtual_timer_is_silent",
       .sleep = "the_virtual_timer_ends_a_sleep",
       .negative = "a_negative_virtual_timer_value_has_passed",
       .counts = "the_virtual_timer_value_follows_the_compare_value",
       .wide = "the_virtual_compare_value_has_64_bits"});
  one<cntp_ctl_el0, cntp_tval_el0, cntp_cval_el0, physical_timer_interrupt, PhysicalCounter>(
      {.far = "a_physical_timer_of_the_far_future_is_silent",
       .past = "a_physical_timer_of_the_past_makes_its_interrupt_pending",
       .level = "clearing_that_does_not_stop_the_physical_timer",
       .clear = "turning_the_physical_timer_off_ends_its_interrupt",
       .off = "a_physical_timer_turned_off_in_time_does_not_interrupt",
       .mask = "a_masked_physical_timer_has_its_status_and_no_interrupt",
       .unmask = "unmasking_it_lets_the_physical_timer_interrupt",
       .delivered = "the_physical_timers_interrupt_comes",
       .in_time = "the_physical_timer_does_not_fire_early",
       .again = "set_anew_the_physical_timer_is_silent",
       .sleep = "the_physical_timer_ends_a_sleep",
       .negative = "a_negative_physical_timer_value_has_passed",
       .counts = "the_physical_timer_value_follows_the_compare_value",
       .wide = "the_physical_compare_value_has_64_bits"});
}

constinit unsigned failed_elsewhere = 0;
constinit uint64_t counter_elsewhere = 0;
}  // namespace

void timers() {
  both();
  if (smp::count() < 2) return;
  // Another CPU's timers are its own.
  const uint64_t before = now();
  cntv_cval_el0::write(0x1234);
  check("another_cpu_uses_its_timers", run_on(1, [](uint64_t) {
          counter_elsewhere = now();
          gic::enable(virtual_timer_interrupt);
          cntv_cval_el0::write(counter_elsewhere);
          cntv_ctl_el0::write(enable);
          if (take() != virtual_timer_interrupt) ++failed_elsewhere;
          cntv_ctl_el0::write(0);
          gic::end(virtual_timer_interrupt);
          if (!is_quiet()) ++failed_elsewhere;
        }));
  check_equal("its_interrupt_comes_there", failed_elsewhere, 0);
  check("and_not_here", is_quiet() && cntv_cval_el0::read() == 0x1234);
  check("the_counter_is_the_same_everywhere", counter_elsewhere > before && counter_elsewhere < now());
}

}  // namespace suite
