// SPDX-License-Identifier: Apache-2.0
// Software-generated interrupts between CPUs: to one, to some, to all others, many, and to CPUs that sleep.
#include <array>
#include <atomic>

#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint32_t sgi = 7;
constinit std::array<std::atomic<unsigned>, smp::max_cpus> received{};
constinit std::atomic<unsigned> ready{0};
constinit std::atomic<unsigned> wrong_source{0};
constinit std::atomic<bool> stop{false};

// Counts SGIs, asleep in between.
void listen(uint64_t) {
  gic::enable_cpu();
  gic::enable(sgi);
  ++ready;
  while (!stop) {
    wait_for_interrupt();
    const uint32_t token = gic::acknowledge();
    if (gic::is_special(gic::number(token))) continue;
    if (gic::version == 2 && token >> 10 != 0) ++wrong_source;
    if (gic::number(token) == sgi) ++received[cpu_number()];
    gic::end(token);
  }
}

bool everyone_has(unsigned cpus, unsigned count) {
  return within(2000, [=] {
    bool all = true;
    for (unsigned cpu = 1; cpu < cpus; ++cpu) all = all && received[cpu] == count;
    return all;
  });
}

void send_to_set(uint32_t targets) {
  barrier();
  if (gic::version == 3) return gic::icc_sgi1r_el1::write(uint64_t{sgi} << 24 | targets);
  write32(gicd_base + gic::gicd_sgir, targets << 16 | sgi);
}

void to_others(unsigned cpus) {
  for (unsigned cpu = 1; cpu < cpus; ++cpu) {
    if (smp::start(cpu, listen, 0) != 0) return check("listeners_start", false);
  }
  check("listeners_start", within(2000, [=] { return ready == cpus - 1; }));
  for (unsigned cpu = 1; cpu < cpus; ++cpu) gic::send(sgi, cpu);
  check("each_cpu_gets_an_sgi_of_its_own", everyone_has(cpus, 1));
  gic::send_to_others(sgi);
  check("all_others_get_one_at_once", everyone_has(cpus, 2));
  check("but_not_the_sender", is_quiet());
  const uint32_t everyone = (1u << cpus) - 1;
  send_to_set(everyone);
  check("a_list_of_targets_reaches_all_in_it", everyone_has(cpus, 3) && take_and_end(sgi));
  bool all = true;
  for (unsigned i = 0; i < 200 && all; ++i) {
    gic::send_to_others(sgi);
    all = everyone_has(cpus, 4 + i);
  }
  check("two_hundred_more_are_neither_lost_nor_doubled", all);
  check_equal("each_names_its_sender", wrong_source.load(), 0);
  for (unsigned i = 0; i < 1000; ++i) gic::send_to_others(sgi);
  check("a_flood_reaches_everyone", within(2000, [=] {
          bool more = true;
          for (unsigned cpu = 1; cpu < cpus; ++cpu) more = more && received[cpu] > 203;
          return more;
        }));
  stop = true;
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) {
    off = off && within(2000, [=] { return gic::send(sgi, cpu), smp::is_off(cpu); });
  }
  check("and_they_go_off", off);
}
}  // namespace

void software_interrupts() {
  gic::enable(sgi);
  gic::set_priority(sgi, 0x80);
  send_to_set(1);
  check("an_sgi_to_the_sender_comes", take_and_end(sgi) && is_quiet());
  gic::send(sgi, 0);
  gic::send(sgi, 0);
  check("two_sent_before_the_first_is_taken_are_one", take_and_end(sgi) && is_quiet());
  gic::send(sgi, 0);
  const uint32_t token = take();
  gic::send(sgi, 0);
  check("one_sent_while_another_is_active_waits", is_quiet() && gic::is_pending(sgi) && gic::is_active(sgi));
  gic::end(token);
  check("for_its_end", take_and_end(sgi) && is_quiet());
  const unsigned cpus = smp::count();
  if (cpus > 1) to_others(cpus);
}

}  // namespace suite
