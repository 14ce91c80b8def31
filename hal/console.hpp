// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hal {

// The machine's UART as the console code sees it: bytes, and two interrupts. A driver has no lock: its user calls one
// function at a time (panicking code excepted, which calls write_polled() whatever others do).
//
// Both interrupts are levels. Receiving: there are bytes to read(). Transmitting: there is room again after write()
// took less than it was given, or there has been all along.
class ConsoleDevice {
 public:
  // Send as much as there is room for now, from the front; returns how much that was.
  [[nodiscard]] virtual size_t write(std::span<const uint8_t> bytes) = 0;
  // What was received, oldest first; 0 when nothing is waiting. Damaged characters are left out. Stops at a break.
  [[nodiscard]] virtual size_t read(std::span<uint8_t> bytes) = 0;
  // Was it a break that the last read() stopped at? It is over with the answer.
  [[nodiscard]] bool take_break() { return std::exchange(broke_, false); }
  virtual void set_receive_interrupt(bool on) = 0;
  virtual void set_transmit_interrupt(bool on) = 0;

  // Send everything, waiting for room as long as the device makes progress. For the boot, before interrupts, and for
  // panics.
  void write_polled(std::span<const uint8_t> bytes);

 protected:
  ~ConsoleDevice() = default;
  void note_break() { broke_ = true; }

 private:
  bool broke_ = false;
};

}  // namespace hal
