// SPDX-License-Identifier: Apache-2.0
// The constant timer and the stable counter (volume 1, 7.6 and 2.2.10.4).
#include <atomic>

#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
using compensation = Csr<0x43>;  // CNTC
constexpr uint64_t initial_mask = 0xffff'ffff'fffc;

bool is_pending() { return (lines() & timer_line) != 0; }
void acknowledge() { ticlr::write(1); }

void registers() {
  tcfg::write(0);
  acknowledge();
  check_equal("ticlr_reads_as_0", ticlr::read(), 0);
  tcfg::write(initial_mask);
  check_equal("tcfg_keeps_48_bits", tcfg::read(), initial_mask);
  check("a_timer_that_is_off_does_not_count", !is_pending());
  tcfg::write(initial_mask | tcfg_periodic | tcfg_enable);
  check_equal("tcfg_keeps_its_flags", tcfg::read(), initial_mask | tcfg_periodic | tcfg_enable);
  tcfg::write(0);
}

void again_and_again() {
  const uint64_t period = ticks(1) & ~uint64_t{3};
  const uint64_t start = now();
  tcfg::write(period | tcfg_periodic | tcfg_enable);
  unsigned seen = 0;
  while (seen < 20 && within(10'000, is_pending)) {
    acknowledge();
    ++seen;
  }
  const uint64_t passed = now() - start;
  check_equal("twenty_periods_end_twenty_times", seen, 20);
  check("none_ends_early", passed >= 20 * period);
  check("a_periodic_timer_stays_on", (tcfg::read() & 3) == 3);
  tcfg::write(0);
  acknowledge();
  check("stopped_it_ends_no_more", !within(3, is_pending));
  // Before the old one is over, however slow this machine is.
  uint64_t begun = 0;
  do {
    acknowledge();
    begun = now();
    tcfg::write((ticks(10) & ~uint64_t{3}) | tcfg_enable);
    tcfg::write((ticks(1'000'000) & ~uint64_t{3}) | tcfg_enable);
  } while (now() - begun >= ticks(10) - 4);
  check("a_new_deadline_replaces_the_old", !within(15, is_pending));
  tcfg::write((ticks(1) & ~uint64_t{3}) | tcfg_enable);
  check("also_an_earlier_one", within(10'000, is_pending));
  tcfg::write((ticks(1'000'000) & ~uint64_t{3}) | tcfg_enable);
  check("writing_it_leaves_an_interrupt_that_is_pending", is_pending());
  acknowledge();
  tcfg::write(0);
}

constinit std::atomic<unsigned> expired{0};
constinit std::atomic<uint64_t> numbers{0};

// Each CPU has a timer of its own.
void count_periods(uint64_t) {
  tcfg::write((ticks(1) & ~uint64_t{3}) | tcfg_periodic | tcfg_enable);
  ecfg::write(timer_line);
  for (unsigned round = 0; round < 10; ++round) {
    while (!is_pending()) wait_for_interrupt();
    acknowledge();
    ++expired;
  }
  tcfg::write(0);
  acknowledge();
  ecfg::write(0);
  numbers |= uint64_t{1} << tid::read();
}

void everywhere(unsigned cpus) {
  for (unsigned cpu = 1; cpu < cpus; ++cpu) (void)smp::start(cpu, count_periods, 0);
  count_periods(0);
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) off = off && within(20'000, [=] { return smp::is_off(cpu); });
  check("the_timers_of_all_cpus_end", off);
  check_equal("each_as_often_as_it_should", expired.load(), cpus * 10);
  check_equal("tid_begins_as_the_number_of_the_cpu", numbers.load(), (uint64_t{1} << cpus) - 1);
}

constinit std::atomic<uint64_t> seen_there{0};

void counters(unsigned cpus) {
  uint64_t last = now();
  bool grows = true;
  for (unsigned i = 0; i < 10'000; ++i) {
    const uint64_t next = now();
    grows = grows && next >= last;
    last = next;
  }
  check("the_counter_never_goes_back", grows);
  compensation::write(0);
  check_equal("cntc_is_kept", compensation::read(), 0);
  if (cpus < 2) return;
  const uint64_t before = now();
  check("another_cpu_reads_the_counter", run_on(1, [](uint64_t) { seen_there = now(); }));
  check("it_is_the_same_everywhere", seen_there >= before && seen_there <= now());
}

}  // namespace

void timers() {
  registers();
  again_and_again();
  everywhere(smp::count());
  counters(smp::count());
}

}  // namespace suite
