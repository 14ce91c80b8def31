// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/console.hpp"

namespace hal::driver {

// Arm PrimeCell UART PL011 (Arm DDI 0183, r1p5). Speed and frame format stay as firmware left them. All registers are
// accessed as words.
class Pl011 final : public ConsoleDevice {
 public:
  // `registers` is mapped as device memory. Switches the FIFOs on and all interrupts off.
  explicit Pl011(HostVirt registers);

  size_t write(std::span<const uint8_t> bytes) override;
  size_t read(std::span<uint8_t> bytes) override;
  void set_receive_interrupt(bool on) override;
  void set_transmit_interrupt(bool on) override;

 private:
  void set_interrupts(uint32_t bits, bool on);

  HostVirt registers_;
  uint32_t interrupts_ = 0;  // UARTIMSC as written last
};

}  // namespace hal::driver
