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
// EL0 in AArch32 state reads the physical timer's control and the physical counter, and makes a read that its flags say is
// not to be. Without translation, because the tables have nothing for EL0. Of every register the upper half is lost (Arm
// ARM, D1.8.1).
struct Seen32 {
  uint64_t control, low, high, untouched;
};
Seen32 read_in_aarch32() {
  Seen32 seen{};
  asm volatile(
      "stp x19, x20, [sp, #-96]!\n stp x21, x22, [sp, #16]\n stp x23, x24, [sp, #32]\n"
      "stp x25, x26, [sp, #48]\n stp x27, x28, [sp, #64]\n stp x29, x30, [sp, #80]\n"
      "mrs x9, sctlr_el1\n bic x10, x9, #1\n msr sctlr_el1, x10\n"
      "adr x10, 1f\n msr elr_el1, x10\n mov x10, #0x1d0\n msr spsr_el1, x10\n"
      "adr x14, 2f\n mov x4, #7\n isb\n eret\n"
      "1: .inst 0xee1e0f32\n"  // mrc p15, 0, r0, c14, c2, 1
      "   .inst 0xec532f0e\n"  // mrrc p15, 0, r2, r3, c14
      "   .inst 0x0e1e4f32\n"  // mrceq p15, 0, r4, c14, c2, 1
      "   .inst 0xef000000\n"  // svc #0
      "2: msr sctlr_el1, x9\n isb\n"
      "ldp x29, x30, [sp, #80]\n ldp x27, x28, [sp, #64]\n ldp x25, x26, [sp, #48]\n"
      "ldp x23, x24, [sp, #32]\n ldp x21, x22, [sp, #16]\n ldp x19, x20, [sp], #96\n"
      "mov %0, x0\n mov %1, x2\n mov %2, x3\n mov %3, x4"
      : "=&r"(seen.control), "=&r"(seen.low), "=&r"(seen.high), "=&r"(seen.untouched)
      :
      : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
        "x18", "memory");
  return seen;
}
void aarch32() {
  if ((id_aa64pfr0_el1::read() & 0xf) != 2) return;
  constexpr uint64_t allowed = 0x201;  // CNTKCTL_EL1: EL0PTEN, EL0PCTEN
  const uint64_t old = cntkctl_el1::read();
  cntkctl_el1::write(old | allowed);
  cntp_ctl_el0::write(2);
  const uint64_t before = cntpct_el0::read();
  Seen32 seen{};
  const Fault fault = attempt([&] { seen = read_in_aarch32(); });
  const uint64_t counter = seen.high << 32 | (seen.low & 0xffff'ffff);
  check("the_physical_timer_is_there_in_aarch32", !fault.taken);
  check_equal("the_physical_timer_reads_the_same_in_aarch32", seen.control & 0xffff'ffff, 2);
  check("the_physical_counter_reads_the_same_in_aarch32", counter >= before && counter <= cntpct_el0::read());
  check_equal("a_read_whose_condition_fails_reads_nothing", seen.untouched, 7);
  cntp_ctl_el0::write(0);
  cntkctl_el1::write(old);
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
  aarch32();
}

}  // namespace probe
