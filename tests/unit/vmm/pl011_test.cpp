// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl011.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "device_fakes.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakePort;

constexpr vmm::VirtualIrq irq{33};
constexpr uint64_t dr = 0x00, rsr = 0x04, fr = 0x18, ibrd = 0x24, fbrd = 0x28, lcr_h = 0x2c, cr = 0x30, ifls = 0x34,
                   imsc = 0x38, ris = 0x3c, mis = 0x40, icr = 0x44, dmacr = 0x48;
constexpr uint64_t busy = 1 << 3, rx_empty = 1 << 4, tx_full = 1 << 5, rx_full = 1 << 6, tx_empty = 1 << 7;
constexpr uint64_t rx_irq = 1 << 4, tx_irq = 1 << 5, timeout_irq = 1 << 6, break_irq = 1 << 9, overrun_irq = 1 << 10;
constexpr uint64_t fifos_on = 1 << 4;
constexpr uint64_t loopback = 1 << 7;

class Pl011 : public testing::Test {
 protected:
  size_t type(std::string_view text) {
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    return uart.receive(bytes);
  }
  std::string read_all() {
    std::string text;
    while ((bus.read(fr) & rx_empty) == 0) text += static_cast<char>(bus.read(dr));
    return text;
  }
  void print(std::string_view text) {
    for (const char c : text) bus.write(dr, static_cast<uint8_t>(c));
  }

  FakeIrqs irqs;
  FakePort port;
  vmm::Pl011 uart{hal::GuestPhys(0x900'0000), {irqs, irq}, port};
  Bus bus{uart};
};

TEST_F(Pl011, has_the_manuals_values_after_reset) {
  EXPECT_EQ(bus.read(fr), tx_empty | rx_empty);
  EXPECT_EQ(bus.read(cr), 0x300U);
  EXPECT_EQ(bus.read(ifls), 0x12U);
  for (const uint64_t offset : {rsr, ibrd, fbrd, lcr_h, imsc, ris, mis, dmacr}) EXPECT_EQ(bus.read(offset), 0U);
}

TEST_F(Pl011, identifies_itself_as_on_qemus_board) {
  const std::vector<uint64_t> expected{0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(bus.read(0xfe0 + 4 * i), expected[i]);
  EXPECT_EQ(bus.read(0xfdc), 0U);
}

TEST_F(Pl011, sends_what_is_written_even_while_disabled) {
  bus.write(cr, 0);
  print("hello");
  EXPECT_EQ(port.sent, "hello");
  EXPECT_EQ(bus.read(fr), tx_empty | rx_empty);
}

TEST_F(Pl011, keeps_what_the_registers_can_hold) {
  for (const uint64_t offset : {ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr}) bus.write(offset, 0xffff'ffff);
  EXPECT_EQ(bus.read(ibrd), 0xffffU);
  EXPECT_EQ(bus.read(fbrd), 0x3fU);
  EXPECT_EQ(bus.read(lcr_h), 0xffU);
  EXPECT_EQ(bus.read(cr), 0xff87U);
  EXPECT_EQ(bus.read(ifls), 0x3fU);
  EXPECT_EQ(bus.read(imsc), 0x7ffU);
  EXPECT_EQ(bus.read(dmacr), 0x7U);
}

TEST_F(Pl011, takes_every_access_size) {
  bus.write(dr, 'a', 1);
  bus.write(dr, 0xff00 | 'b', 2);
  bus.write(dr, 'c', 8);
  EXPECT_EQ(port.sent, "abc");
  bus.write(ibrd, 0x3'0000'1234, 8);  // and FBRD
  EXPECT_EQ(bus.read(ibrd, 8), 0x3'0000'1234U);
  EXPECT_EQ(bus.read(ibrd, 1) & 0xff, 0x34U);
  EXPECT_EQ(bus.read(ibrd + 1, 1) & 0xff, 0x12U);
  bus.write(ibrd + 2, 0xff, 2);
  EXPECT_EQ(bus.read(ibrd), 0x1234U) << "there is no register behind the upper lanes";
}

TEST_F(Pl011, reads_zero_and_ignores_writes_where_there_is_no_register) {
  for (uint64_t offset = 0x4c; offset < 0xfe0; offset += 4) {
    bus.write(offset, 0xffff'ffff);
    ASSERT_EQ(bus.read(offset), 0U) << offset;
  }
  EXPECT_EQ(bus.read(0xff8, 8), 0xb1'0000'0005U);
}

TEST_F(Pl011, holds_one_byte_without_fifos_and_sixteen_with) {
  EXPECT_EQ(type("ab"), 1U);
  EXPECT_EQ(bus.read(fr) & rx_full, rx_full);
  EXPECT_EQ(read_all(), "a");
  bus.write(lcr_h, fifos_on);
  EXPECT_EQ(type("0123456789abcdefXYZ"), 16U);
  EXPECT_EQ(bus.read(fr) & rx_full, rx_full);
  EXPECT_EQ(read_all(), "0123456789abcdef");
}

TEST_F(Pl011, asks_for_the_rest_once_when_the_guest_made_room) {
  bus.write(lcr_h, fifos_on);
  EXPECT_EQ(type("0123456789abcdefX"), 16U);
  EXPECT_EQ(port.ready_calls, 0U);
  bus.read(dr);
  bus.read(dr);
  EXPECT_EQ(port.ready_calls, 1U);
  EXPECT_EQ(type("XY"), 2U);
  EXPECT_EQ(read_all(), "23456789abcdefXY");
  EXPECT_EQ(port.ready_calls, 1U) << "nothing was refused";
}

TEST_F(Pl011, raises_the_receive_interrupt_at_each_trigger_level) {
  const std::vector<unsigned> levels{2, 4, 8, 12, 14};
  for (unsigned select = 0; select < levels.size(); ++select) {
    uart.reset();
    bus.write(lcr_h, fifos_on);
    bus.write(ifls, select << 3);
    for (unsigned i = 1; i <= 16; ++i) {
      type("x");
      EXPECT_EQ((bus.read(ris) & rx_irq) != 0, i >= levels[select]) << select << ' ' << i;
    }
    for (unsigned left = 16; left-- > 0;) {
      bus.read(dr);
      EXPECT_EQ((bus.read(ris) & rx_irq) != 0, left >= levels[select]) << select << ' ' << left;
    }
  }
}

TEST_F(Pl011, times_out_on_bytes_below_the_trigger_until_they_are_read) {
  bus.write(lcr_h, fifos_on);
  bus.write(imsc, timeout_irq | rx_irq);
  type("ab");
  EXPECT_EQ(bus.read(mis), timeout_irq);
  EXPECT_TRUE(irqs.level(irq));
  bus.write(icr, timeout_irq);
  EXPECT_FALSE(irqs.level(irq));
  bus.read(dr);
  EXPECT_TRUE(irqs.level(irq)) << "one byte is still waiting";
  bus.read(dr);
  EXPECT_FALSE(irqs.level(irq));
}

TEST_F(Pl011, interrupts_only_through_the_mask) {
  type("a");
  EXPECT_EQ(bus.read(ris), rx_irq | timeout_irq);
  EXPECT_EQ(irqs.calls, 0U);
  bus.write(imsc, rx_irq);
  EXPECT_EQ(bus.read(mis), rx_irq);
  EXPECT_TRUE(irqs.level(irq));
  bus.write(imsc, 0);
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(irqs.calls, 2U) << "the line is driven only when it changes";
}

TEST_F(Pl011, has_no_transmit_interrupt_before_something_was_sent) {
  bus.write(imsc, tx_irq);
  EXPECT_FALSE(irqs.level(irq));
  print("a");
  EXPECT_TRUE(irqs.level(irq));
  bus.write(icr, tx_irq);
  EXPECT_FALSE(irqs.level(irq)) << "an empty FIFO alone is no edge";
  print("b");
  EXPECT_TRUE(irqs.level(irq));
}

TEST_F(Pl011, shows_a_full_fifo_while_the_port_takes_nothing) {
  bus.write(lcr_h, fifos_on);
  port.room = 0;
  for (unsigned i = 0; i < 16; ++i) {
    EXPECT_EQ(bus.read(fr) & tx_full, 0U);
    print("x");
    EXPECT_EQ(bus.read(fr) & (busy | tx_empty), busy);
  }
  EXPECT_EQ(bus.read(fr) & tx_full, tx_full);
  print("lost");
  port.room = 100;
  uart.transmit_ready();
  EXPECT_EQ(port.sent, std::string(16, 'x'));
  EXPECT_EQ(bus.read(fr), tx_empty | rx_empty);
}

TEST_F(Pl011, drains_when_a_guest_polls_although_the_port_forgot_to_call) {
  port.room = 0;
  print("a");
  EXPECT_EQ(bus.read(fr) & tx_full, tx_full);
  port.room = 1;
  EXPECT_EQ(bus.read(fr) & tx_empty, tx_empty);
  EXPECT_EQ(port.sent, "a");
}

TEST_F(Pl011, raises_the_transmit_interrupt_when_the_fifo_falls_to_the_trigger) {
  bus.write(lcr_h, fifos_on);
  bus.write(ifls, 1);  // 4
  port.room = 0;
  print("0123456789");
  EXPECT_EQ(bus.read(ris) & tx_irq, 0U);
  port.room = 5;
  uart.transmit_ready();
  EXPECT_EQ(bus.read(ris) & tx_irq, 0U);
  port.room = 1;
  uart.transmit_ready();
  EXPECT_EQ(bus.read(ris) & tx_irq, tx_irq);
  print("abc");
  EXPECT_EQ(bus.read(ris) & tx_irq, 0U) << "filled beyond the trigger again";
}

TEST_F(Pl011, loops_back_what_is_sent_and_reports_overruns) {
  bus.write(lcr_h, fifos_on);
  bus.write(cr, 0x300 | loopback);
  print("0123456789abcdef");
  EXPECT_EQ(port.sent, "");
  EXPECT_EQ(bus.read(ris) & overrun_irq, 0U);
  print("!");
  EXPECT_EQ(bus.read(ris) & overrun_irq, overrun_irq);
  EXPECT_EQ(bus.read(rsr), 8U);
  bus.read(dr);
  print("g");
  for (const char c : std::string_view("123456789abcdef")) EXPECT_EQ(bus.read(dr), static_cast<uint64_t>(c));
  EXPECT_EQ(bus.read(dr), 0x800U | 'g') << "the first byte after the gap carries the overrun";
  bus.write(rsr, 0);
  EXPECT_EQ(bus.read(rsr), 0U);
}

TEST_F(Pl011, wires_modem_outputs_to_inputs_in_loopback) {
  bus.write(cr, loopback | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13);
  EXPECT_EQ(bus.read(fr) & 0x107, 0x107U);
  EXPECT_EQ(bus.read(ris) & 0xf, 0xfU);
  bus.write(icr, 0xf);
  bus.write(cr, loopback | 1 << 11);
  EXPECT_EQ(bus.read(fr) & 0x107, 1U);
  EXPECT_EQ(bus.read(ris) & 0xf, 0xdU) << "CTS did not change";
}

TEST_F(Pl011, does_not_take_typed_bytes_in_loopback_and_asks_for_them_later) {
  bus.write(cr, 0x300 | loopback);
  EXPECT_EQ(type("a"), 0U);
  bus.write(cr, 0x300);
  EXPECT_EQ(port.ready_calls, 1U);
}

TEST_F(Pl011, raises_the_receive_interrupt_again_while_the_line_waits_behind_a_full_fifo) {
  bus.write(lcr_h, fifos_on);
  bus.write(imsc, rx_irq | timeout_irq);
  EXPECT_EQ(type("0123456789abcdef"), 16U);
  bus.write(icr, rx_irq | timeout_irq);
  EXPECT_FALSE(irqs.level(irq)) << "the manual's edge, while nothing comes";
  EXPECT_EQ(type("g"), 0U);
  EXPECT_TRUE(irqs.level(irq)) << "the next one comes after the clear";
  bus.write(icr, 0x7ff);
  EXPECT_TRUE(irqs.level(irq)) << "or before it";
  EXPECT_EQ(read_all(), "0123456789abcdef");
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(port.ready_calls, 1U);
  EXPECT_EQ(type("0123456789abcdef"), 16U);
  bus.write(icr, 0x7ff);
  EXPECT_FALSE(uart.receive_break());
  EXPECT_TRUE(irqs.level(irq)) << "a break waits as a character does";
}

TEST_F(Pl011, reports_a_break_in_the_data_register) {
  EXPECT_TRUE(uart.receive_break());
  EXPECT_EQ(bus.read(ris) & break_irq, break_irq);
  EXPECT_EQ(bus.read(dr), 0x400U);
  EXPECT_EQ(bus.read(rsr), 4U);
}

TEST_F(Pl011, empties_its_fifos_when_they_are_switched_off) {
  bus.write(lcr_h, fifos_on);
  type("abc");
  bus.write(lcr_h, 0);
  EXPECT_EQ(bus.read(fr), tx_empty | rx_empty);
  EXPECT_EQ(bus.read(ris), 0U);
}

TEST_F(Pl011, follows_a_trigger_that_moves_past_the_fifo) {
  bus.write(lcr_h, fifos_on);
  bus.write(ifls, 2 << 3);  // 8
  type("0123");
  EXPECT_EQ(bus.read(ris) & rx_irq, 0U);
  bus.write(ifls, 0);  // 2
  EXPECT_EQ(bus.read(ris) & rx_irq, rx_irq);
  bus.write(ifls, 4 << 3);  // 14
  EXPECT_EQ(bus.read(ris) & rx_irq, 0U);
}

TEST_F(Pl011, forgets_everything_in_a_reset) {
  bus.write(lcr_h, fifos_on);
  bus.write(imsc, 0x7ff);
  type("abc");
  EXPECT_TRUE(irqs.level(irq));
  uart.reset();
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_EQ(bus.read(fr), tx_empty | rx_empty);
  EXPECT_EQ(bus.read(imsc), 0U);
}

// Linux' interrupt handler: clear what is not data, read all that is there; fill half a FIFO per transmit interrupt.
TEST_F(Pl011, never_stalls_a_driver_that_sends_by_interrupt) {
  bus.write(lcr_h, fifos_on);
  const std::string text(1000, 'y');
  size_t next = 0;
  port.room = 3;
  while (next < text.size() && (bus.read(fr) & tx_full) == 0) bus.write(dr, static_cast<uint8_t>(text[next++]));
  bus.write(imsc, tx_irq);
  for (unsigned round = 0; round < 1000 && next < text.size(); ++round) {
    port.room = 5;
    uart.transmit_ready();
    if (!irqs.level(irq)) continue;
    for (unsigned i = 0; i < 8 && next < text.size() && (bus.read(fr) & tx_full) == 0; ++i) {
      bus.write(dr, static_cast<uint8_t>(text[next++]));
    }
  }
  port.room = 100;
  uart.transmit_ready();
  EXPECT_EQ(port.sent, text);
}

TEST_F(Pl011, survives_any_sequence_of_accesses) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 200'000; ++i) {
    const uint8_t size = static_cast<uint8_t>(1U << random() % 4);
    const uint64_t offset = random() % 4 == 0 ? random() % 0x1000 / size * size : random() % 0x50 / size * size;
    port.room = static_cast<int>(random() % 3);
    switch (random() % 6) {
      case 0:
      case 1: bus.read(offset, size); break;
      case 2:
      case 3: bus.write(offset, random(), size); break;
      case 4: EXPECT_LE(type("typed"), 5U); break;
      default: uart.transmit_ready(); break;
    }
    const uint64_t raw = bus.read(ris);
    ASSERT_EQ(irqs.level(irq), (raw & bus.read(imsc)) != 0);
    ASSERT_EQ((raw & timeout_irq) != 0 && (bus.read(fr) & rx_empty) != 0, false);
  }
}

TEST_F(Pl011, loses_no_byte_between_threads) {
  bus.write(lcr_h, fifos_on);
  constexpr unsigned total = 20'000;
  std::thread typist([this] {
    for (unsigned sent = 0; sent < total;) {
      const auto byte = static_cast<uint8_t>(sent);
      if (uart.receive(std::span(&byte, 1)) == 1) {
        ++sent;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (unsigned got = 0; got < total;) {
    if ((bus.read(fr) & rx_empty) != 0) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(bus.read(dr), got++ & 0xff);
  }
  typist.join();
}

}  // namespace
