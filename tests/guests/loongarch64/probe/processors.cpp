// SPDX-License-Identifier: Apache-2.0
// Further CPUs: started by their mailbox, with registers of their own.
#include <atomic>

#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "ipi.hpp"
#include "smp.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constinit std::atomic<uint64_t> seen_argument{0}, seen_number{0}, seen_save{~uint64_t{0}}, seen_status{0};
constinit std::atomic<bool> listens{false};

void report(uint64_t argument) {
  seen_save.store(save<3>::read());
  seen_number.store(cpu_number());
  seen_argument.store(argument);
}

void listen(uint64_t) {
  iocsr_write32(ipi::enable, ~0U);
  ecfg::write(uint64_t{1} << ipi_interrupt);
  listens.store(true);
  while ((iocsr_read32(ipi::status) & ~1U) == 0) wait_for_interrupt();
  seen_status.store(iocsr_read32(ipi::status) & ~1U);
  iocsr_write32(ipi::clear, ~0U);
}

void starts(unsigned cpu) {
  save<3>::write(0x1111);
  check_status("a_cpu_can_be_started", smp::start(cpu, report, 0xabcd), 0);
  check("it_runs_with_its_argument", within(10'000, [] { return seen_argument.load() == 0xabcd; }));
  check_equal("it_has_its_own_number", seen_number.load(), cpu);
  check("its_registers_are_its_own", seen_save.load() != 0x1111);
  check("it_ends", within(10'000, [=] { return smp::is_off(cpu); }));
  check_status("it_can_be_started_again", smp::start(cpu, report, 0x1234), 0);
  check("and_runs_again", within(10'000, [=] { return seen_argument.load() == 0x1234 && smp::is_off(cpu); }));
}

void messages(unsigned cpu) {
  check_status("a_listener_starts", smp::start(cpu, listen, 0), 0);
  check("it_listens", within(10'000, [] { return listens.load(); }));
  ipi::send(cpu, 9);
  check("an_interrupt_ends_its_idle", within(10'000, [] { return seen_status.load() != 0; }));
  check_equal("it_sees_which", seen_status.load(), 1U << 9);
  check("the_listener_ends", within(10'000, [=] { return smp::is_off(cpu); }));
}

}  // namespace

void processors() {
  const unsigned cpus = smp::count();
  check("there_is_a_cpu", cpus >= 1);
  if (cpus < 2) return;
  starts(1);
  messages(cpus - 1);
}

}  // namespace probe
