// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>

#include <arch/mmio.hpp>

#include "hal/driver/console.hpp"

namespace {

constexpr hal::HostVirt base{0x3000'0000'0000};

hal::ConsoleDevice& open(hal::UartKind kind, uint8_t shift = 0, uint8_t width = 0) {
  hal::ConsoleDevice* const device = hal::driver::open_console(
      {.kind = kind, .registers = {}, .irq = 0, .register_shift = shift, .access_width = width}, base);
  EXPECT_NE(device, nullptr);
  return *device;
}

std::string send(hal::ConsoleDevice& uart, std::string_view text) {
  const size_t sent = uart.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return std::string(text.substr(0, sent));
}

std::string receive(hal::ConsoleDevice& uart, size_t most = 64) {
  std::string text(most, '\0');
  text.resize(uart.read({reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  return text;
}

// DDI 0183 as far as a driver can tell, with FIFOs of 16.
class Pl011Registers final : public arch::FakeRegisters {
 public:
  Pl011Registers() { installed = this; }

  uint32_t read(hal::HostVirt place, unsigned width) override {
    EXPECT_EQ(width, 4U);
    switch (place - base) {
      case 0x00: {
        const uint32_t entry = received.empty() ? 0 : received.front();
        if (!received.empty()) received.pop_front();
        return entry;
      }
      case 0x18: return (received.empty() ? 0x10U : 0U) | (held.size() >= 16 ? 0x20U : 0U);
      default: return words[place - base];
    }
  }
  void write(hal::HostVirt place, unsigned width, uint32_t value) override {
    EXPECT_EQ(width, 4U);
    if (place - base == 0) {
      EXPECT_LT(held.size(), 16U) << "written into a full FIFO";
      held += static_cast<char>(value);
    } else {
      words[place - base] = value;
      ++writes[place - base];
    }
  }

  std::string held;  // in the transmit FIFO
  std::deque<uint32_t> received;
  std::map<uint64_t, uint32_t> words{{0x30, 0x300}, {0x38, 0x7ff}};
  std::map<uint64_t, unsigned> writes;
};

TEST(Pl011Driver, switches_fifos_on_and_interrupts_off_and_leaves_the_speed_alone) {
  Pl011Registers registers;
  registers.words[0x24] = 13;
  registers.words[0x2c] = 0x60;
  open(hal::UartKind::pl011);
  EXPECT_EQ(registers.words[0x2c], 0x70U);
  EXPECT_EQ(registers.words[0x30], 0x301U);
  EXPECT_EQ(registers.words[0x38], 0U);
  EXPECT_EQ(registers.writes[0x24], 0U);
}

TEST(Pl011Driver, does_not_disturb_a_uart_that_firmware_set_up) {
  Pl011Registers registers;
  registers.words[0x2c] = 0x70;
  registers.words[0x30] = 0xf01 | 0x300;
  open(hal::UartKind::pl011);
  EXPECT_EQ(registers.writes[0x2c], 0U);
  EXPECT_EQ(registers.writes[0x30], 0U);
}

TEST(Pl011Driver, sends_what_the_fifo_holds) {
  Pl011Registers registers;
  hal::ConsoleDevice& uart = open(hal::UartKind::pl011);
  EXPECT_EQ(send(uart, "0123456789abcdefXYZ"), "0123456789abcdef");
  EXPECT_EQ(send(uart, "X"), "");
  registers.held.clear();
  EXPECT_EQ(send(uart, "XYZ"), "XYZ");
}

TEST(Pl011Driver, leaves_out_what_was_damaged_on_the_line) {
  Pl011Registers registers;
  hal::ConsoleDevice& uart = open(hal::UartKind::pl011);
  registers.received = {'a', 0x100 | '?', 0x200 | '?', 'b', 0x800 | 'c'};
  EXPECT_EQ(receive(uart), "abc");
  EXPECT_FALSE(uart.take_break());
  registers.received = {'x', 'y', 'z'};
  EXPECT_EQ(receive(uart, 2), "xy");
  EXPECT_EQ(receive(uart, 2), "z");
}

TEST(Pl011Driver, writes_its_mask_only_when_it_changes) {
  Pl011Registers registers;
  hal::ConsoleDevice& uart = open(hal::UartKind::pl011);
  registers.writes.clear();
  uart.set_receive_interrupt(true);
  EXPECT_EQ(registers.words[0x38], 0x50U);
  uart.set_transmit_interrupt(true);
  EXPECT_EQ(registers.words[0x38], 0x70U);
  uart.set_transmit_interrupt(true);
  uart.set_transmit_interrupt(false);
  EXPECT_EQ(registers.words[0x38], 0x50U);
  EXPECT_EQ(registers.writes[0x38], 3U);
}

TEST(Pl011Driver, gives_up_on_a_transmitter_that_is_stuck) {
  Pl011Registers registers;
  hal::ConsoleDevice& uart = open(hal::UartKind::pl011);
  const std::string text(40, 'x');
  uart.write_polled({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(registers.held.size(), 16U);
}

// PC16550D as far as a driver can tell, `shift` apart.
class Ns16550Registers final : public arch::FakeRegisters {
 public:
  Ns16550Registers(unsigned shift, bool with_fifo) : shift_(shift), with_fifo_(with_fifo) { installed = this; }

  uint32_t read(hal::HostVirt place, unsigned width) override {
    EXPECT_EQ(width, 1U);
    const uint64_t index = (place - base) >> shift_;
    EXPECT_EQ(index << shift_, place - base);
    if (index == 0 && !received.empty()) {
      const uint32_t entry = received.front();
      received.pop_front();
      return entry & 0xff;
    }
    if (index == 2) return with_fifo_ && (words[2] & 1) != 0 ? 0xc1 : 0x01;
    if (index == 5) return (held.empty() ? 0x60U : 0U) | (received.empty() ? 0U : 1U | received.front() >> 8);
    return words[index];
  }
  void write(hal::HostVirt place, unsigned width, uint32_t value) override {
    EXPECT_EQ(width, 1U);
    const uint64_t index = (place - base) >> shift_;
    if (index != 0) {
      words[index] = value;
      return;
    }
    EXPECT_LT(held.size(), with_fifo_ ? 16U : 1U) << "written over what was not sent";
    held += static_cast<char>(value);
  }

  std::string held;
  std::deque<uint32_t> received;  // line status bits above the character
  std::map<uint64_t, uint32_t> words{{1, 0xf}, {3, 0x83}};

 private:
  const unsigned shift_;
  const bool with_fifo_;
};

TEST(Ns16550Driver, fills_the_fifo_only_when_it_is_empty) {
  Ns16550Registers registers(0, true);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550, 0);
  EXPECT_EQ(send(uart, "0123456789abcdefXYZ"), "0123456789abcdef");
  EXPECT_EQ(send(uart, "XYZ"), "");
  registers.held.clear();
  EXPECT_EQ(send(uart, "XYZ"), "XYZ");
}

TEST(Ns16550Driver, sends_single_characters_without_a_fifo) {
  Ns16550Registers registers(2, false);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550, 2);
  EXPECT_EQ(send(uart, "ab"), "a");
}

TEST(Ns16550Driver, starts_with_interrupts_off_and_the_data_register_in_reach) {
  Ns16550Registers registers(0, true);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550, 0);
  EXPECT_EQ(registers.words[1], 0U);
  EXPECT_EQ(registers.words[3], 0x03U);
  EXPECT_EQ(registers.words[4], 0x0bU);
  uart.set_receive_interrupt(true);
  uart.set_transmit_interrupt(true);
  EXPECT_EQ(registers.words[1], 3U);
  uart.set_receive_interrupt(false);
  EXPECT_EQ(registers.words[1], 2U);
}

TEST(Ns16550Driver, leaves_out_what_was_damaged_on_the_line) {
  Ns16550Registers registers(0, true);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550, 0);
  registers.received = {'a', 0x0800 | '?', 0x0400 | '?', 'b'};
  EXPECT_EQ(receive(uart), "ab");
  EXPECT_FALSE(uart.take_break());
}

TEST(Ns16550Driver, tells_breaks_in_order_with_what_was_typed) {
  Ns16550Registers registers(0, true);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550);
  registers.received = {'a', 0x1800, 'h'};
  EXPECT_EQ(receive(uart), "a");
  EXPECT_TRUE(uart.take_break());
  EXPECT_FALSE(uart.take_break());
  EXPECT_EQ(receive(uart), "h");
  EXPECT_FALSE(uart.take_break());
}

TEST(ConsoleDriver, is_chosen_by_the_device_tree) {
  Ns16550Registers registers(1, true);
  hal::ConsoleDevice& uart = open(hal::UartKind::ns16550, 1);
  EXPECT_EQ(send(uart, "ok"), "ok");
  EXPECT_EQ(registers.held, "ok");
}

}  // namespace
