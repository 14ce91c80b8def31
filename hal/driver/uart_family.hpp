// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/platform/uart.hpp"

// What differs from one family of UARTs to the next: where its registers are and what their bits mean.
// hal/driver/uart.cpp does with it what all of them need done.
namespace hal::driver {

struct UartFamily {
  enum class Width : uint8_t { byte, half, word, big_endian_word };

  // Is (register & mask) == value? Or, with `differs`, is it anything else?
  struct Test {
    uint16_t place = 0;
    uint32_t mask = 0;
    uint32_t value = 0;
    bool differs = false;
  };
  // Change some bits, if they are not so already; without reading where all are given.
  struct Step {
    uint16_t place = 0;
    uint32_t clear = 0;
    uint32_t set = 0;
  };
  static constexpr uint32_t all = ~0U;
  // Make flags go away that stay until somebody does.
  struct Clear {
    enum class How : uint8_t {
      nothing,
      write_bits,   // by writing ones to them
      write_along,  // the same in a register with other contents, which stay
      write_zero,   // by writing zeros to them
      pulse,        // by setting a bit and taking it away
      read,         // by reading the register
    };
    uint16_t place = 0;
    uint32_t bits = 0;
    How how = How::nothing;
  };
  struct Interrupts {
    enum class How : uint8_t {
      enable,         // a set bit lets through
      mask,           // a set bit holds back
      set_and_clear,  // written to one register to let through, to another to hold back
      write_only,     // as `enable`, and what was written cannot be read
    };
    uint16_t place = 0;
    uint16_t place_off = 0;  // set_and_clear
    uint32_t receive = 0;
    uint32_t transmit = 0;
    How how = How::enable;
  };

  UartKind kind = UartKind::pl011;
  Width width = Width::word;
  Width data_width = Width::word;
  bool registers_are_numbers = false;  // places are numbers of registers, UartInfo says how far apart; widths too
  bool data_width_is_open = false;     // UartInfo says how wide the data registers are

  Test can_send{};  // there is room for a character, or for `burst` of them
  uint8_t burst = 1;
  Test has_fifo{};  // only then for `burst`; mask 0: no question
  uint16_t transmit = 0;
  Test has_received{};
  uint16_t receive = 0;
  uint16_t errors =
      0;  // where the flags of the next character are: beside it, in the status, or in a register of theirs
  uint32_t damaged = 0;  // parity, framing
  uint32_t broken = 0;   // a break; 0: it shows as a damaged NUL
  Test ghost{};          // an interrupt for a character that is not there, which reading one ends; mask 0: never

  Clear after_send{}, after_receive{}, after_error{}, overrun{};
  Interrupts interrupts{};
  std::array<Step, 5> steps{};  // to begin with; mask and set 0: none
};

// Null where this build has no driver for it (PLINTH_UARTS in hal/CMakeLists.txt).
[[nodiscard]] const UartFamily* family_of(UartKind kind);

}  // namespace hal::driver
