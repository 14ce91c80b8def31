// SPDX-License-Identifier: Apache-2.0
// The UART (PC16550D) in loopback, the bridge's clock (7A1000 user manual, 20) and the power register.
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint64_t interrupt_enable = uart_base + 1, identification = uart_base + 2, fifo_control = uart_base + 2,
                   line_control = uart_base + 3, modem_control = uart_base + 4, line_status = uart_base + 5;
constexpr uint8_t received = 0x1, transmitter = 0x2, line_errors = 0x4;
constexpr uint8_t loopback = 1 << 4, data_ready = 0x01, overrun = 0x02, all_empty = 0x60;
constexpr unsigned depth = 16;

bool is_ready() { return (read8(line_status) & data_ready) != 0; }
bool reason_is(uint8_t expected) {
  return within(10'000, [=] { return (read8(identification) & 0x0f) == expected; });
}
void send(uint8_t byte) {
  (void)within(10'000, [] { return (read8(line_status) & all_empty) == all_empty; });
  write8(uart_base, byte);
}

void registers() {
  write8(modem_control, 0xff & ~loopback);
  check_equal("five_modem_controls_are_kept", read8(modem_control), 0x0f);
  write8(line_control, 0x7f);
  check_equal("the_line_control_is_kept", read8(line_control), 0x7f);
  write8(line_control, 0x03);
  write8(fifo_control, 0x00);
  check_equal("without_fifos_the_reason_says_so", read8(identification) & 0xc0, 0);
  write8(fifo_control, 0x01);
  check_equal("with_fifos_too", read8(identification) & 0xc0, 0xc0);
  write8(interrupt_enable, transmitter);
  check("an_empty_transmitter_is_a_reason", reason_is(0x2));
  check("once", reason_is(0x1));
  write8(interrupt_enable, 0);
}

// What is sent comes back, also what is printed: what is seen is told afterwards.
struct Seen {
  bool timeout, level, in_order, emptied, fits, reason, overrun, once, first, cleared;
};
Seen look_at_loop() {
  Seen seen{};
  write8(fifo_control, 0x87);  // emptied; tell of 8
  write8(interrupt_enable, received);
  for (uint8_t n = 0; n < 7; ++n) send(static_cast<uint8_t>(0x40 + n));
  seen.timeout = reason_is(0xc);
  send(0x47);
  seen.level = reason_is(0x4);
  seen.in_order = true;
  for (uint8_t n = 0; n < 8; ++n) {
    seen.in_order = seen.in_order && within(10'000, is_ready) && read8(uart_base) == 0x40 + n;
  }
  seen.emptied = !is_ready() && reason_is(0x1);
  write8(interrupt_enable, line_errors);
  for (uint8_t n = 0; n < depth; ++n) send(n);
  seen.fits = (read8(line_status) & overrun) == 0;
  write8(uart_base, 0xff);
  seen.reason = reason_is(0x6);
  seen.overrun = (read8(line_status) & overrun) != 0;
  seen.once = (read8(line_status) & overrun) == 0;
  seen.first = read8(uart_base) == 0;
  write8(fifo_control, 0x03);
  seen.cleared = !is_ready();
  return seen;
}

void loop() {
  write8(modem_control, loopback);
  const Seen seen = look_at_loop();
  write8(interrupt_enable, 0);
  write8(modem_control, 0x08);
  write8(fifo_control, 0x01);
  check("fewer_than_the_level_come_after_a_while", seen.timeout);
  check("the_level_is_a_reason", seen.level);
  check("bytes_come_in_order", seen.in_order);
  check("then_there_are_none", seen.emptied);
  check("sixteen_bytes_fit", seen.fits);
  check("another_is_an_overrun", seen.reason);
  check("which_the_line_status_says", seen.overrun);
  check("once_only", seen.once);
  check("the_first_byte_is_still_the_first", seen.first);
  check("emptying_the_fifo_empties_it", seen.cleared);
}

// --- the clock ---

constexpr uint64_t toy_write0 = rtc_base + 0x24, toy_write1 = rtc_base + 0x28, toy_read0 = rtc_base + 0x2c,
                   toy_read1 = rtc_base + 0x30, toy_match0 = rtc_base + 0x34, control = rtc_base + 0x40,
                   counter_write = rtc_base + 0x64, counter_read = rtc_base + 0x68, counter_match = rtc_base + 0x6c;
constexpr uint32_t all_on = 1 << 13 | 1 << 11 | 1 << 8;
constexpr uint64_t pic_mask = pch_pic_base + 0x20, pic_in_service = pch_pic_base + 0x3a0;
constexpr uint32_t rtc_bit = 1U << 6;

constexpr uint32_t calendar(uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second) {
  return month << 26 | day << 21 | hour << 16 | minute << 10 | second << 4;
}
constexpr uint32_t match(uint32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second) {
  return (year & 0x3f) << 26 | month << 22 | day << 17 | hour << 12 | minute << 6 | second;
}
bool is_alarmed() { return (read32(pic_in_service) & rtc_bit) != 0; }

void clock() {
  write32(control, all_on);
  check_equal("the_clocks_control_is_kept", read32(control), all_on);
  write32(toy_write1, 124);
  write32(toy_write0, calendar(2, 29, 12, 30, 15));
  check_equal("the_year_can_be_set", read32(toy_read1), 124);
  check_equal("and_the_leap_day", read32(toy_read0) >> 10 << 10, calendar(2, 29, 12, 30, 0));
  write32(toy_write0, calendar(12, 31, 23, 59, 59));
  check("a_year_ends", within(20'000, [] { return read32(toy_read1) == 125; }));
  check_equal("with_the_first_of_january", read32(toy_read0) >> 21, calendar(1, 1, 0, 0, 0) >> 21);
  write32(counter_write, 0x1000'0000);
  const uint32_t counted = read32(counter_read);
  check("the_counter_can_be_set", counted >= 0x1000'0000 && counted < 0x1100'0000);
  check("and_goes_on", within(10'000, [=] { return read32(counter_read) > counted; }));
}

// However slow this machine is, a match is written before its time.
void set_counter_match() {
  constexpr uint32_t half_a_second = 0x4000;
  do {
    write32(counter_write, 0);
    write32(counter_match, half_a_second);
  } while (read32(counter_read) >= half_a_second);
}
void set_calendar_match() {
  do {
    write32(toy_write0, calendar(6, 15, 10, 0, 0));
    write32(toy_match0, match(125, 6, 15, 10, 0, 3));
  } while (read32(toy_read0) >= calendar(6, 15, 10, 0, 3));
}

void alarms() {
  write32(pic_mask, read32(pic_mask) & ~rtc_bit);
  write32(toy_write1, 125);
  write32(toy_write0, calendar(6, 15, 10, 0, 0));
  write32(toy_match0, match(125, 6, 15, 11, 0, 0));
  check_equal("a_match_is_kept", read32(toy_match0), match(125, 6, 15, 11, 0, 0));
  check("an_hour_is_not_over_yet", !within(5, is_alarmed));
  set_counter_match();
  check("the_counter_reaches_its_match", within(20'000, is_alarmed));
  write32(counter_match, ~0U);
  check("a_match_that_is_written_anew_is_no_alarm", !is_alarmed());
  set_calendar_match();
  check("the_calendar_reaches_its_match", within(20'000, is_alarmed));
  write32(toy_match0, match(125, 6, 15, 11, 0, 0));
  write32(pic_mask, read32(pic_mask) | rtc_bit);
}

void power() {
  check_equal("the_power_register_reads_as_0", read8(power_register), 0);
  write8(power_register, 0x10);
  write8(reset_register, 0x00);
  check("other_values_switch_nothing_off", true);
}

}  // namespace

void devices() {
  registers();
  loop();
  clock();
  alarms();
  power();
}

}  // namespace suite
