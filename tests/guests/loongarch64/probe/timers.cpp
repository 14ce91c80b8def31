// SPDX-License-Identifier: Apache-2.0
// The constant timer (volume 1, 7.6).
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t line = uint64_t{1} << timer_interrupt;

bool is_pending() { return (estat::read() & line) != 0; }
void acknowledge() { ticlr::write(1); }
constexpr uint64_t never_soon = uint64_t{1} << 40;

void counting() {
  tcfg::write(0);
  acknowledge();
  tcfg::write(never_soon | tcfg_enable);
  check_equal("tcfg_reads_back", tcfg::read(), never_soon | tcfg_enable);
  const uint64_t first = tval::read();
  check("tval_begins_at_the_initial_value", first <= never_soon && first > never_soon - ticks(10'000));
  check("tval_counts_down", within(10'000, [=] { return tval::read() < first; }));
  // Between any two of these reads the CPU may stand still: one span lies around what the timer counts, one within it.
  const uint64_t before = now(), value = tval::read(), start = now();
  while (now() - start < ticks(5)) {
  }
  const uint64_t within_it = now() - start, counted = value - tval::read(), around_it = now() - before;
  check("tval_counts_as_the_counter_does", counted + 1 >= within_it && counted <= around_it + 1);
  check("a_timer_that_is_not_due_is_not_pending", !is_pending());
}

void one_shot() {
  tcfg::write((ticks(1) & ~uint64_t{3}) | tcfg_enable);
  check("a_one_shot_timer_fires", within(10'000, is_pending));
  acknowledge();
  check("ticlr_ends_its_interrupt", !is_pending());
  check("it_fires_once", !within(5, is_pending));
  tcfg::write(4 | tcfg_enable);
  check("a_timer_that_is_due_at_once_fires", within(10'000, is_pending));
  ticlr::write(0);
  check("ticlr_of_0_leaves_it", is_pending());
  tcfg::write(0);
  check("stopping_it_leaves_its_interrupt", is_pending());
  acknowledge();
  tcfg::write((ticks(1) & ~uint64_t{3}));
  check("a_timer_that_is_not_enabled_does_not_fire", !within(5, is_pending));
}

void periodic() {
  tcfg::write((ticks(1) & ~uint64_t{3}) | tcfg_periodic | tcfg_enable);
  unsigned seen = 0;
  for (unsigned n = 0; n < 3; ++n) {
    if (!within(10'000, is_pending)) break;
    ++seen;
    acknowledge();
  }
  tcfg::write(0);
  acknowledge();
  check_equal("a_periodic_timer_fires_again_and_again", seen, 3);
}

// Masked interrupts end IDLE, if ECFG lets them through.
void idle() {
  ecfg::write(line);
  const uint64_t start = now();  // before the timer starts: this vCPU may stand still in between
  tcfg::write((ticks(20) & ~uint64_t{3}) | tcfg_enable);
  while (!is_pending()) wait_for_interrupt();
  check("idle_ends_when_the_timer_fires", now() - start >= ticks(19));
  wait_for_interrupt();
  check("idle_does_not_wait_while_it_is_pending", is_pending());
  acknowledge();
  tcfg::write((ticks(2) & ~uint64_t{3}) | tcfg_periodic | tcfg_enable);
  for (unsigned n = 0; n < 3; ++n) {
    while (!is_pending()) wait_for_interrupt();
    acknowledge();
  }
  check("a_periodic_timer_ends_idle_each_time", true);
  tcfg::write(0);
  acknowledge();
  ecfg::write(0);
}

}  // namespace

void timers() {
  mask_interrupts();
  ecfg::write(0);
  counting();
  one_shot();
  periodic();
  idle();
}

}  // namespace probe
