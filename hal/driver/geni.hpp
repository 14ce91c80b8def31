// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/console.hpp"

namespace hal::driver {

// The serial engine of Qualcomm's GENI as a UART: firmware of its own sends and receives, as commands tell it, through
// FIFOs of words with four characters each. Registers as Linux's driver programs them; there is no public manual.
class Geni final : public ConsoleDevice {
 public:
  // As Uart.
  explicit Geni(HostVirt registers);

  size_t write(std::span<const uint8_t> bytes) override;
  size_t read(std::span<uint8_t> bytes) override;
  void set_receive_interrupt(bool on) override;
  void set_transmit_interrupt(bool on) override;

 private:
  [[nodiscard]] uint32_t get(uint32_t place) const;
  void set(uint32_t place, uint32_t value) const;
  void stop_receiver() const;
  void fetch_word();

  HostVirt registers_;
  uint32_t word_ = 0;        // received, its next character lowest
  unsigned characters_ = 0;  // left in it
  bool receives_ = false;
  bool transmits_ = false;
};

}  // namespace hal::driver
