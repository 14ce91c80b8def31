// SPDX-License-Identifier: Apache-2.0
// Further CPUs: started, stopped and started again, interrupted by each other, and each with registers of its own.
#include <atomic>

#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "psci.hpp"
#include "psci_start.hpp"
#include "smp.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint32_t sgi = 5;
constexpr uint32_t spare = 32 + 92;
constinit std::atomic<uint64_t> seen_argument{0};
constinit std::atomic<uint64_t> seen_mpidr{0};
constinit std::atomic<unsigned> interrupts_on_other{0};
constinit std::atomic<uint32_t> last_on_other{0};
constinit std::atomic<bool> ready{false};
constinit std::atomic<bool> stop{false};
constinit std::atomic<unsigned> answers{0};

void report(uint64_t argument) {
  seen_mpidr = mpidr_el1::read();
  seen_argument = argument;
}

void handler(uint32_t number) {
  if (cpu_number() == 0) {
    ++answers;
    return;
  }
  last_on_other = number;
  if (number != sgi) return;
  ++interrupts_on_other;
  gic::send(sgi, 0);
}

// Sleeps and is woken by interrupts until told to stop.
void sleep(uint64_t) {
  gic::enable_cpu();
  gic::set_priority(sgi, 0x80);
  gic::enable(sgi);
  tpidr_el1::write(0x5ec0);
  asm volatile(".arch_extension fp\n mov x9, #0x1111\n fmov d8, x9" ::: "x9");
  ready = true;
  while (!stop) {
    wait_for_interrupt();
    unmask_interrupts();
    mask_interrupts();
  }
  uint64_t kept = 0;
  asm volatile(".arch_extension fp\n fmov %0, d8" : "=r"(kept));
  seen_argument = kept;
}

bool turns_off(unsigned cpu) {
  return within(1000, [=] { return smp::is_off(cpu); });
}

void start_and_stop(unsigned cpu) {
  check("a_cpu_that_was_not_started_is_off", smp::is_off(cpu));
  check_status("cpu_on_succeeds", smp::start(cpu, report, 0xabcd), psci::success);
  check("it_gets_its_argument", within(1000, [] { return seen_argument == 0xabcd; }));
  check_equal("it_knows_its_own_number", seen_mpidr.load() & 0xff, cpu);
  check("it_turns_itself_off", turns_off(cpu));
  seen_argument = 0;
  check_status("cpu_on_succeeds_again", smp::start(cpu, report, 0x1234), psci::success);
  check("it_runs_again_from_the_start", within(1000, [] { return seen_argument == 0x1234; }));
  check("it_turns_itself_off_again", turns_off(cpu));
}

void interrupts_between(unsigned cpu) {
  on_interrupt(handler);
  gic::set_priority(sgi, 0x80);
  gic::enable(sgi);
  unmask_interrupts();
  check_status("a_sleeper_starts", smp::start(cpu, sleep, 0), psci::success);
  check("the_sleeper_gets_ready", within(1000, [] { return ready.load(); }));
  check_status("cpu_on_of_a_running_cpu_is_refused", psci::call(psci::cpu_on, cpu, smp::entry_address(), 0).status(),
               psci::already_on);
  tpidr_el1::write(0xb007);
  asm volatile(".arch_extension fp\n mov x9, #0x2222\n fmov d8, x9" ::: "x9");
  gic::send(sgi, cpu);
  check("an_sgi_reaches_the_other_cpu", within(1000, [] { return interrupts_on_other >= 1 && last_on_other == sgi; }));
  check("its_answer_comes_back", within(1000, [] { return answers >= 1; }));
  bool all = true;
  for (unsigned i = 2; i <= 100 && all; ++i) {
    gic::send(sgi, cpu);
    all = within(1000, [=] { return answers >= i; });
  }
  check("a_hundred_more_come_and_go", all);
  check_equal("none_came_twice", interrupts_on_other.load(), 100);
  answers = 0;
  gic::send_to_others(sgi);
  check("an_sgi_to_all_others_is_answered", within(1000, [] { return answers >= 1; }));

  gic::route(spare, cpu);
  gic::set_edge(spare, true);
  gic::set_priority(spare, 0x80);
  gic::enable(spare);
  gic::set_pending(spare);
  check("a_shared_interrupt_follows_its_route", within(1000, [] { return last_on_other == spare; }));
  gic::disable(spare);
  check_equal("my_own_thread_register_is_untouched", tpidr_el1::read(), 0xb007);
  uint64_t mine = 0;
  asm volatile(".arch_extension fp\n fmov %0, d8" : "=r"(mine));
  check_equal("my_own_floating_point_register_is_untouched", mine, 0x2222);
}

void tell_to_stop(unsigned cpu) {
  stop = true;
  gic::send(sgi, cpu);
  check("the_sleeper_turns_itself_off", turns_off(cpu));
  check_equal("its_floating_point_register_was_kept", seen_argument.load(), 0x1111);
  mask_interrupts();
}
}  // namespace

void processors() {
  const unsigned cpus = smp::count();
  check("psci_knows_the_boot_cpu", cpus >= 1);
  if (cpus < 2) return;
  const unsigned last = cpus - 1;
  start_and_stop(last);
  interrupts_between(last);
  tell_to_stop(last);
}

}  // namespace probe
