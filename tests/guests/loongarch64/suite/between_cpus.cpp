// SPDX-License-Identifier: Apache-2.0
// Interprocessor interrupts and mailboxes (3A5000 user manual, 10), and CPUs that wait for them as firmware has them
// wait.
#include <atomic>

#include "ipi.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constinit std::atomic<unsigned> entered{0};
constinit std::atomic<uint32_t> seen{0};
constinit std::atomic<bool> leave{false};

void enter(uint64_t) { ++entered; }

void own() {
  iocsr_write32(ipi::enable, 0xa5a5'5a5a);
  check_equal("which_are_enabled_is_kept", iocsr_read32(ipi::enable), 0xa5a5'5a5a);
  iocsr_write32(ipi::enable, ~0U);
  check("set_and_clear_read_as_0", iocsr_read32(ipi::set) == 0 && iocsr_read32(ipi::clear) == 0);
  iocsr_write32(ipi::status, 0xff);
  check("the_status_cannot_be_written", iocsr_read32(ipi::status) == 0 && lines() == 0);
  uint32_t all = 0;
  for (unsigned vector = 0; vector < 32; ++vector) {
    ipi::send(0, vector);
    all |= iocsr_read32(ipi::status) == 1U << vector && lines() == ipi_line ? 1U << vector : 0;
    iocsr_write32(ipi::clear, 1U << vector);
  }
  check_equal("each_of_32_can_be_sent", all, ~0U);
  check_equal("and_cleared", lines(), 0);
  iocsr_write32(ipi::set, 0x8000'0001);
  iocsr_write32(ipi::clear, 1);
  check("the_line_stays_for_what_is_left", iocsr_read32(ipi::status) == 0x8000'0000 && lines() == ipi_line);
  iocsr_write32(ipi::clear, ~0U);
}

void mail() {
  bool good = true;
  for (unsigned half = 0; half < 8; ++half) ipi::send_half(0, half, 0x1111'1111 * (half + 1));
  for (unsigned half = 0; half < 8; ++half)
    good = good && iocsr_read32(ipi::mailbox + 4 * half) == 0x1111'1111 * (half + 1);
  check("four_mailboxes_have_two_halves_each", good);
  check_equal("a_mailbox_is_read_in_one", iocsr_read64(ipi::mailbox + 8), 0x4444'4444'3333'3333);
  ipi::send_half(0, 0, 0xaabb'ccdd, 0b0101);
  check_equal("bytes_that_are_to_stay_do", iocsr_read32(ipi::mailbox), 0xaa11'cc11);
  ipi::send_half(60, 0, 0x1234);
  check_equal("mail_to_nobody_is_lost", iocsr_read32(ipi::mailbox), 0xaa11'cc11);
  ipi::send(60, 3);
  check_equal("so_is_an_interrupt", iocsr_read32(ipi::status), 0);
  for (unsigned half = 0; half < 8; ++half) ipi::send_half(0, half, 0);
}

// --- CPUs that are off ---

bool has_entered(unsigned times) {
  return within(10'000, [=] { return entered == times; });
}

// smp::start() sends an interrupt after its mail.
void waiting(unsigned cpu) {
  entered = 0;
  ipi::send(cpu, 0);
  check_status("a_cpu_whose_interrupt_came_before_its_mail_starts", smp::start(cpu, enter, 0), 0);
  check("once", has_entered(1) && within(10'000, [=] { return smp::is_off(cpu); }));
  bool good = true;
  for (unsigned round = 2; round <= 20 && good; ++round) {
    good = smp::start(cpu, enter, 0) == 0 && has_entered(round) && within(10'000, [=] { return smp::is_off(cpu); });
  }
  check("a_cpu_goes_on_and_off_twenty_times", good);
}

// --- CPUs that run ---

void listen(uint64_t) {
  iocsr_write32(ipi::enable, ~0U);
  ecfg::write(ipi_line);
  ++entered;
  while (!leave) {
    while (lines() != ipi_line && !leave) wait_for_interrupt();
    const uint32_t status = iocsr_read32(ipi::status);
    iocsr_write32(ipi::clear, status);
    seen.fetch_or(status);
  }
  ecfg::write(0);
}

void everybody(unsigned cpus) {
  entered = 0;
  leave = false;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) (void)smp::start(cpu, listen, 0);
  check("all_listen", has_entered(cpus - 1));
  bool good = true;
  for (unsigned round = 0; round < 200 && good; ++round) {
    const unsigned vector = 1 + round % 31;
    for (unsigned cpu = 1; cpu < cpus && good; ++cpu) {
      seen = 0;
      ipi::send(cpu, vector);
      good = within(10'000, [=] { return seen == 1U << vector; });
    }
  }
  check("none_of_two_hundred_interrupts_to_each_is_lost", good);
  leave = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) ipi::send(cpu, 31);
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) off = off && within(10'000, [=] { return smp::is_off(cpu); });
  check("all_end", off);
}

}  // namespace

void between_cpus() {
  own();
  mail();
  iocsr_write32(ipi::enable, 0);
  const unsigned cpus = smp::count();
  if (cpus < 2) return;
  waiting(cpus - 1);
  everybody(cpus);
}

}  // namespace suite
