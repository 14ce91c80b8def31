// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/console.hpp"

namespace hal::driver {

// The 16550A UART and its many descendants (National Semiconductor PC16550D data sheet). Speed and frame format stay as
// firmware left them. Registers are bytes, 2^register_shift bytes apart.
class Ns16550 final : public ConsoleDevice {
 public:
  // `registers` is mapped as device memory. Switches the FIFOs on and all interrupts off.
  Ns16550(HostVirt registers, unsigned register_shift);

  size_t write(std::span<const uint8_t> bytes) override;
  size_t read(std::span<uint8_t> bytes) override;
  void set_receive_interrupt(bool on) override;
  void set_transmit_interrupt(bool on) override;

 private:
  [[nodiscard]] uint8_t get(unsigned index) const;
  void set(unsigned index, unsigned value) const;
  void set_interrupts(unsigned bits, bool on);

  HostVirt registers_;
  unsigned register_shift_;
  unsigned fifo_depth_ = 1;
  unsigned interrupts_ = 0;  // IER as written last
};

}  // namespace hal::driver
