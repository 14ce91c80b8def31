// SPDX-License-Identifier: Apache-2.0
// Power control (Arm DEN0022): what each call returns, and CPUs that go on and off, also all at once.
#include <atomic>

#include "psci.hpp"
#include "psci_start.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint32_t sgi = 9;
constinit std::atomic<unsigned> entered{0};
constinit std::atomic<unsigned> waiting{0};
constinit std::atomic<bool> go{false};
constinit std::atomic<unsigned> successes{0};
constinit std::atomic<unsigned> refusals{0};
constinit std::atomic<unsigned> others{0};
constinit uint64_t context_of_last = 0;

void unknown_functions() {
  bool refused = true;
  for (const uint32_t function : {0x8400'0020u, 0x8400'00ffu, 0xc400'0000u, 0xc400'0002u, 0xc400'0008u, 0x8400'0100u}) {
    refused = refused && psci::call(function, 1, 2, 3).status() == psci::not_supported;
  }
  check("functions_that_do_not_exist_are_not_supported", refused);
  const psci::Result version = psci::call(psci::version);
  check("the_version_is_two_small_numbers", version.x0 >> 16 == 1 && (version.x0 & 0xffff) <= 3);
  for (const uint32_t function : {psci::cpu_off, psci::cpu_on_32, psci::affinity_info, psci::system_reset}) {
    refused = refused && psci::call(psci::features, function).status() == psci::success;
  }
  check("what_exists_is_announced", refused);
}

void suspend() {
  gic::enable(sgi);
  gic::send(sgi, 0);
  check_status("cpu_suspend_returns_when_an_interrupt_is_pending", psci::call(psci::cpu_suspend, 0).status(), 0);
  check("and_it_still_is", take_and_end(sgi));
}

void enter(uint64_t) { ++entered; }

void on_and_off(unsigned last) {
  bool good = true;
  for (unsigned round = 1; round <= 20 && good; ++round) {
    good = psci::call(psci::affinity_info, last, 0).status() == 1 && smp::start(last, enter, 0) == 0 &&
           within(1000, [=] { return entered == round && smp::is_off(last); });
  }
  check("a_cpu_goes_on_and_off_twenty_times", good);
  check_status("affinity_info_of_a_cpu_that_is_off", psci::call(psci::affinity_info, last, 0).status(), 1);
}

// Everyone but the target turns it on at the same moment.
void compete(uint64_t target) {
  ++waiting;
  while (!go) {
  }
  switch (psci::call(psci::cpu_on, target, smp::entry_address(), context_of_last).status()) {
    case psci::success: ++successes; break;
    case psci::already_on:
    case -5: ++refusals; break;  // ON_PENDING
    default: ++others; break;
  }
}
void stay_until_told(uint64_t) {
  ++entered;
  while (go) {
  }
}

void all_at_once(unsigned cpus) {
  const unsigned target = cpus - 1;
  bool good = true;
  for (unsigned round = 0; round < 10 && good; ++round) {
    waiting = successes = refusals = others = 0;
    entered = 0;
    for (unsigned cpu = 1; cpu < target; ++cpu) good = good && smp::start(cpu, compete, target) == 0;
    good = good && within(1000, [=] { return waiting == target - 1; });
    context_of_last = smp::prepare(target, stay_until_told, 0);
    go = true;
    compete(target);
    good = good && within(1000, [=] { return successes + refusals + others == target && entered == 1; });
    good = good && successes == 1 && refusals == target - 1;
    go = false;
    for (unsigned cpu = 1; cpu < cpus; ++cpu) good = good && within(1000, [=] { return smp::is_off(cpu); });
  }
  check("of_many_that_turn_a_cpu_on_one_succeeds", good);
  check_equal("and_the_others_are_told_so", others.load(), 0);
}
}  // namespace

void power() {
  unknown_functions();
  suspend();
  const unsigned cpus = smp::count();
  if (cpus > 1) on_and_off(cpus - 1);
  // QEMU's own firmware lets several succeed.
  if (cpus > 2 && !is_bare()) all_at_once(cpus);
}

}  // namespace suite
