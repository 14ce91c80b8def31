// SPDX-License-Identifier: Apache-2.0
// The UART (PL011, ARM DDI 0183) and the clock (PL031, ARM DDI 0224) of `virt`.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t uart(uint64_t offset) { return uart_base + offset; }
constexpr uint64_t fr = uart(0x18), cr = uart(0x30), imsc = uart(0x38), ris = uart(0x3c), mis = uart(0x40),
                   icr = uart(0x44);
constexpr uint32_t transmit_interrupt = 1u << 5;
constinit volatile uint32_t last = 0;

void uart_registers() {
  check("the_transmitter_is_ready", (read32(fr) & 1u << 5) == 0);
  check("nothing_was_received", (read32(fr) & 1u << 4) != 0);
  check_equal("the_uart_tells_its_cell_id",
              read32(uart(0xff0)) | read32(uart(0xff4)) << 8 | read32(uart(0xff8)) << 16 | read32(uart(0xffc)) << 24,
              0xb105'f00d);
  const uint32_t old = read32(imsc);
  write32(imsc, 0x7ff);
  check_equal("the_interrupt_mask_reads_back", read32(imsc), 0x7ff);
  write32(imsc, old);
  write32(fr, 0xffff);
  check("the_flag_register_ignores_writes", (read32(fr) & 1u << 5) == 0);
}

void uart_interrupt_line() {
  write32(imsc, 0);
  write32(icr, 0x7ff);
  check_equal("cleared_interrupts_are_clear", read32(ris) & transmit_interrupt, 0);
  on_interrupt([](uint32_t number) {
    last = number;
    write32(imsc, 0);
    write32(icr, 0x7ff);
  });
  last = 0;
  gic::set_edge(uart_interrupt, false);
  gic::route(uart_interrupt, 0);
  gic::set_priority(uart_interrupt, 0x80);
  gic::enable(uart_interrupt);
  unmask_interrupts();
  const uint32_t old_control = read32(cr);
  write32(cr, 0x301);  // enabled, transmitter and receiver on
  write32(imsc, transmit_interrupt);
  write32(uart_base, '\r');
  check("a_sent_character_raises_the_transmit_interrupt", within(500, [] { return last == uart_interrupt; }));
  check_equal("a_handled_interrupt_is_no_longer_shown", read32(mis), 0);
  mask_interrupts();
  write32(cr, old_control);
  gic::disable(uart_interrupt);
}

void clock() {
  const uint32_t first = read32(rtc_base);
  check("the_clock_is_set", first > 1'600'000'000);
  check("the_clock_advances", within(3000, [=] { return read32(rtc_base) != first; }));
  check_equal("the_clock_tells_its_cell_id",
              read32(rtc_base + 0xff0) | read32(rtc_base + 0xff4) << 8 | read32(rtc_base + 0xff8) << 16 |
                  read32(rtc_base + 0xffc) << 24,
              0xb105'f00d);
  check_equal("the_clock_is_running", read32(rtc_base + 0x0c) & 1, 1);

  write32(rtc_base + 0x04, 0x1234'5678);
  check_equal("the_match_register_reads_back", read32(rtc_base + 0x04), 0x1234'5678);
  on_interrupt([](uint32_t number) {
    last = number;
    write32(rtc_base + 0x1c, 1);
    write32(rtc_base + 0x10, 0);
  });
  last = 0;
  gic::route(rtc_interrupt, 0);
  gic::set_edge(rtc_interrupt, false);
  gic::set_priority(rtc_interrupt, 0x80);
  gic::enable(rtc_interrupt);
  write32(rtc_base + 0x04, read32(rtc_base) + 1);
  write32(rtc_base + 0x10, 1);
  unmask_interrupts();
  check("the_clocks_alarm_interrupts", within(4000, [] { return last == rtc_interrupt; }));
  mask_interrupts();
  gic::disable(rtc_interrupt);
  check_equal("a_handled_alarm_is_no_longer_shown", read32(rtc_base + 0x14), 0);
}

// Past the last register of a device's page there is nothing to find, and nothing to break.
void edges() {
  check_quiet("an_unused_uart_offset_reads_without_a_fault", attempt([] { (void)read32(uart(0x200)); }));
  check_quiet("an_unused_uart_offset_takes_a_write", attempt([] { write32(uart(0x200), ~0u); }));
  check_quiet("an_unused_distributor_offset_reads_without_a_fault", attempt([] { (void)read32(gicd_base + 0xfb0); }));
}
}  // namespace

void devices() {
  uart_registers();
  uart_interrupt_line();
  clock();
  edges();
}

}  // namespace probe
