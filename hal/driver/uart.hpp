// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/console.hpp"
#include "hal/driver/uart_family.hpp"

namespace hal::driver {

// A UART whose family can be written down as a table. Speed and frame format stay as firmware left them, and so do its
// clocks.
class Uart final : public ConsoleDevice {
 public:
  // `registers` is where info.registers is mapped as device memory. Switches receiver, transmitter and FIFOs on and all
  // interrupts off.
  Uart(const UartFamily& family, const UartInfo& info, HostVirt registers);

  size_t write(std::span<const uint8_t> bytes) override;
  size_t read(std::span<uint8_t> bytes) override;
  void set_receive_interrupt(bool on) override;
  void set_transmit_interrupt(bool on) override;

 private:
  using Width = UartFamily::Width;
  [[nodiscard]] uint32_t get(uint16_t place, Width width) const;
  void set(uint16_t place, uint32_t value, Width width) const;
  [[nodiscard]] uint32_t get(uint16_t place) const { return get(place, width_); }
  void set(uint16_t place, uint32_t value) const { set(place, value, width_); }
  [[nodiscard]] bool holds(const UartFamily::Test& test) const;
  void clear(const UartFamily::Clear& flags) const;
  void carry_out(const UartFamily::Step& step) const;
  void set_interrupts(uint32_t bits, bool on);
  // One character that is there, by the status that says so. False: it was a break.
  [[nodiscard]] bool take(uint32_t status, std::span<uint8_t> bytes, size_t& received);

  const UartFamily& family_;
  HostVirt registers_;
  Width width_;
  Width data_width_;
  uint8_t shift_;
  uint8_t burst_ = 1;
  uint32_t interrupts_ = 0;  // let through
};

}  // namespace hal::driver
