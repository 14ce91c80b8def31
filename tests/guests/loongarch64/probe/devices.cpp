// SPDX-License-Identifier: Apache-2.0
// The 16550 (PC16550D) and the bridge's clock (7A1000 user manual, 20).
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t interrupt_enable = uart_base + 1, fifo_control = uart_base + 2, line_control = uart_base + 3,
                   modem_control = uart_base + 4, line_status = uart_base + 5, modem_status = uart_base + 6,
                   scratch = uart_base + 7;
constexpr uint8_t loopback = 1 << 4, data_ready = 1, all_empty = 0x60;

void serial_line() {
  write8(scratch, 0x5a);
  check_equal("the_scratch_register_keeps_a_byte", read8(scratch), 0x5a);
  write8(scratch, 0);
  check_equal("the_transmitter_is_empty", read8(line_status) & all_empty, all_empty);
  write8(interrupt_enable, 0xff);
  check_equal("four_interrupts_can_be_enabled", read8(interrupt_enable), 0x0f);
  write8(interrupt_enable, 0);
  const uint8_t before = read8(line_control);
  write8(line_control, before | 0x80);
  write8(uart_base, 0x34);
  write8(interrupt_enable, 0x12);
  const uint8_t low = read8(uart_base), high = read8(interrupt_enable);
  write8(line_control, before);
  check_equal("the_divisor_keeps_16_bits", low | high << 8, 0x1234);
  check_equal("behind_the_latch_nothing_changed", read8(interrupt_enable), 0);
}

void loop() {
  write8(fifo_control, 0x07);
  const uint8_t before = read8(modem_control);
  write8(modem_control, loopback | 0x0b);
  check_equal("loopback_shows_its_own_modem_lines", read8(modem_status) & 0xf0, 0xb0);
  write8(uart_base, 'x');
  check("what_is_sent_comes_back", within(10'000, [] { return (read8(line_status) & data_ready) != 0; }));
  check_equal("unchanged", read8(uart_base), 'x');
  write8(modem_control, before);
}

void clock() {
  constexpr uint64_t counter = rtc_base + 0x68;
  const uint32_t first = read32(counter);
  check("the_clock_counts", within(10'000, [=] { return read32(counter) != first; }));
  constexpr uint64_t year = rtc_base + 0x30;
  check("it_knows_the_year", read32(year) >= 120 && read32(year) < 300);
}

}  // namespace

void devices() {
  serial_line();
  loop();
  clock();
}

}  // namespace probe
