// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/ns16550.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "device_fakes.hpp"
#include "vmm/device/ged.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakePort;

constexpr vmm::VirtualIrq irq{2};
constexpr uint64_t data = 0, ier = 1, iir = 2, fcr = 2, lcr = 3, mcr = 4, lsr = 5, msr = 6, scr = 7;
constexpr uint64_t ready = 1, broken = 0x10, empty = 0x60;
constexpr uint64_t no_interrupt = 1, received = 4, timeout = 0xc, transmit = 2, line_status = 6, modem = 0;
constexpr uint64_t fifos = 0xc0;

class Ns16550 : public testing::Test {
 protected:
  size_t type(std::string_view text) {
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    return uart.receive(bytes);
  }
  void print(std::string_view text) {
    for (const char c : text) set(data, static_cast<uint8_t>(c));
  }
  uint64_t get(uint64_t offset) { return bus.read(offset, 1); }
  void set(uint64_t offset, uint64_t value) { bus.write(offset, value, 1); }

  FakeIrqs irqs;
  FakePort port;
  vmm::Ns16550 uart{hal::GuestPhys(0x1fe0'01e0), {irqs, irq}, port};
  Bus bus{uart};
};

TEST_F(Ns16550, has_the_values_of_qemus_board_after_reset) {
  EXPECT_EQ(get(lsr), empty);
  EXPECT_EQ(get(iir), no_interrupt);
  EXPECT_EQ(get(msr), 0xb0U);
  EXPECT_EQ(get(mcr), 0x08U);
  for (const uint64_t offset : {ier, lcr, scr, uint64_t{8}, uint64_t{0xff}}) EXPECT_EQ(get(offset), 0U);
  set(lcr, 0x80);
  EXPECT_EQ(get(data), 12U);
  EXPECT_EQ(get(ier), 0U);
}

TEST_F(Ns16550, hides_the_divisor_behind_the_latch_bit) {
  set(lcr, 0x83);
  set(data, 0x34);
  set(ier, 0x12);
  set(lcr, 0x03);
  EXPECT_EQ(get(ier), 0U);
  EXPECT_TRUE(port.sent.empty());
  set(lcr, 0x83);
  EXPECT_EQ(get(data) | get(ier) << 8, 0x1234U);
}

TEST_F(Ns16550, sends_what_is_written) {
  print("hello");
  EXPECT_EQ(port.sent, "hello");
  EXPECT_EQ(get(lsr), empty);
}

TEST_F(Ns16550, shows_that_it_is_not_empty_while_the_port_takes_nothing) {
  set(fcr, 1);
  port.room = 0;
  print("0123456789abcdefX");
  EXPECT_EQ(get(lsr), 0U);
  port.room = 20;
  uart.transmit_ready();
  EXPECT_EQ(port.sent, "0123456789abcdef") << "what finds no room is lost, as on the chip";
  EXPECT_EQ(get(lsr), empty);
}

TEST_F(Ns16550, interrupts_when_there_is_nothing_left_to_send) {
  set(ier, 2);
  EXPECT_TRUE(irqs.level(irq)) << "at once when it is enabled";
  EXPECT_EQ(get(iir), transmit);
  EXPECT_FALSE(irqs.level(irq)) << "reading IIR ends it";
  EXPECT_EQ(get(iir), no_interrupt);
  print("a");
  EXPECT_EQ(get(iir), transmit);
  port.room = 0;
  print("b");
  EXPECT_FALSE(irqs.level(irq));
  port.room = 1;
  uart.transmit_ready();
  EXPECT_TRUE(irqs.level(irq));
}

TEST_F(Ns16550, holds_one_byte_without_fifos_and_sixteen_with) {
  EXPECT_EQ(type("ab"), 1U);
  EXPECT_EQ(get(lsr), empty | ready);
  EXPECT_EQ(get(data), uint64_t{'a'});
  EXPECT_EQ(port.ready_calls, 1U);
  set(fcr, 1);
  EXPECT_EQ(type("0123456789abcdefX"), 16U);
  for (const char c : std::string_view("0123456789abcdef")) EXPECT_EQ(get(data), static_cast<uint8_t>(c));
  EXPECT_EQ(get(lsr), empty);
  EXPECT_EQ(get(data), 0U);
}

TEST_F(Ns16550, interrupts_at_each_trigger_level_and_for_the_rest_by_timeout) {
  const std::vector<unsigned> levels{1, 4, 8, 14};
  set(ier, 1);
  for (unsigned select = 0; select < levels.size(); ++select) {
    set(fcr, select << 6 | 3);
    EXPECT_EQ(get(iir), fifos | no_interrupt);
    for (unsigned n = 1; n <= 16; ++n) {
      type("x");
      EXPECT_EQ(get(iir), fifos | (n >= levels[select] ? received : timeout)) << select << ' ' << n;
    }
    for (unsigned left = 16; left-- > 0;) {
      get(data);
      const uint64_t expected = left == 0 ? no_interrupt : left >= levels[select] ? received : timeout;
      EXPECT_EQ(get(iir), fifos | expected) << select << ' ' << left;
    }
    EXPECT_FALSE(irqs.level(irq));
  }
}

TEST_F(Ns16550, tells_the_most_urgent_interrupt_first) {
  set(ier, 0xf);
  set(mcr, 0x1f);
  set(mcr, 0x08);
  EXPECT_EQ(get(iir), transmit) << "pending since it was enabled";
  EXPECT_EQ(get(iir), modem);
  type("a");
  EXPECT_FALSE(uart.receive_break()) << "one byte fits without FIFOs";
  EXPECT_EQ(get(iir), received);
  get(data);
  EXPECT_TRUE(uart.receive_break());
  EXPECT_EQ(get(iir), line_status);
  EXPECT_EQ(get(lsr) & broken, broken);
  EXPECT_EQ(get(iir), received);
  get(data);
  get(msr);
  EXPECT_EQ(get(iir), no_interrupt);
}

TEST_F(Ns16550, passes_a_break_on_as_a_zero_with_its_bit) {
  set(fcr, 1);
  constexpr uint8_t fifo_error = 0x80;
  EXPECT_TRUE(uart.receive_break());
  EXPECT_EQ(get(lsr), empty | ready | broken | fifo_error);
  EXPECT_EQ(get(lsr), empty | ready | fifo_error) << "reading LSR ends it, the character is still there";
  EXPECT_EQ(get(data), 0U);
  EXPECT_EQ(get(lsr), empty);
}

TEST_F(Ns16550, shows_a_break_when_it_comes_to_the_top_of_the_fifo) {
  constexpr uint8_t fifo_error = 0x80;
  set(fcr, 1);
  set(ier, 4);
  type("ab");
  EXPECT_TRUE(uart.receive_break());
  type("c");
  EXPECT_EQ(get(iir) & 0xf, no_interrupt & 0xf);
  for (const char before : {'a', 'b'}) {
    EXPECT_EQ(get(lsr), empty | ready | fifo_error) << "of the one before";
    EXPECT_EQ(get(data), before);
  }
  EXPECT_EQ(get(iir) & 0xf, line_status & 0xf);
  EXPECT_EQ(get(lsr), empty | ready | broken | fifo_error);
  EXPECT_EQ(get(data), 0U);
  EXPECT_EQ(get(lsr), empty | ready);
  EXPECT_EQ(get(data), 'c');
  type("0123456789abcdef");
  EXPECT_FALSE(uart.receive_break());
  get(data);
  EXPECT_EQ(port.ready_calls, 1U);
  EXPECT_TRUE(uart.receive_break());
}

TEST_F(Ns16550, wires_outputs_to_inputs_in_loopback) {
  set(mcr, 0x10);
  EXPECT_EQ(get(msr) & 0xf0, 0U);
  set(mcr, 0x1f);
  EXPECT_EQ(get(msr), 0xfbU) << "RI tells only its end";
  set(mcr, 0x10);
  EXPECT_EQ(get(msr), 0x0fU);
  print("x");
  EXPECT_TRUE(port.sent.empty());
  EXPECT_EQ(get(data), uint64_t{'x'});
  EXPECT_EQ(type("y"), 0U);
  set(mcr, 0);
  EXPECT_EQ(port.ready_calls, 1U);
}

TEST_F(Ns16550, empties_fifos_on_demand) {
  set(fcr, 1);
  port.room = 0;
  print("abc");
  type("def");
  set(fcr, 1 | 2);
  EXPECT_EQ(get(lsr), 0U);
  set(fcr, 1 | 4);
  EXPECT_EQ(get(lsr), empty);
  port.room = 10;
  uart.transmit_ready();
  EXPECT_TRUE(port.sent.empty());
}

TEST_F(Ns16550, goes_on_receiving_after_a_full_fifo_whatever_the_guest_did_first) {
  set(fcr, 1);
  set(ier, 1);
  EXPECT_EQ(type("0123456789abcdefX"), 16U);
  set(ier, 0);
  set(ier, 1);
  EXPECT_TRUE(irqs.level(irq));
  while ((get(lsr) & ready) != 0) get(data);
  EXPECT_EQ(port.ready_calls, 1U);
  EXPECT_EQ(type("X"), 1U);
  EXPECT_TRUE(irqs.level(irq));
}

class Power final : public vmm::PowerSwitch {
 public:
  void power_off(vmm::VcpuIndex vcpu) override { off = static_cast<int>(vcpu); }
  void reset_machine(vmm::VcpuIndex vcpu) override { reset = static_cast<int>(vcpu); }
  int off = -1, reset = -1;
};

TEST(Ged, ends_the_machine_only_by_the_values_that_mean_it) {
  Power power;
  vmm::Ged ged(hal::GuestPhys(0x100e'0000), power);
  for (unsigned offset = 0; offset < vmm::Ged::window_size; ++offset) {
    for (unsigned value = 0; value < 256; ++value) {
      if (offset == 0x1c && value == 0x34) continue;
      if (offset == 0x1e && value == 0x42) continue;
      ged.write({offset, 1, 1}, value);
    }
  }
  EXPECT_EQ(power.off, -1);
  EXPECT_EQ(power.reset, -1);
  ged.write({0x1c, 1, 3}, 0x34);
  EXPECT_EQ(power.off, 3);
  ged.write({0x1e, 1, 2}, 0x42);
  EXPECT_EQ(power.reset, 2);
}

}  // namespace
