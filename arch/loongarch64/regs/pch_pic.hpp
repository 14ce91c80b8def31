// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The interrupt controller of the bridge chip (Loongson 7A1000 manual, chapter 5): inputs become messages to the CPU's
// EIOINTC. A bit for each input, in two words, unless it says otherwise.
namespace arch::regs {

struct pch_pic {
  static constexpr unsigned inputs = 64;
  static constexpr uint64_t size = 0x400;
  static constexpr uint64_t mask = 0x20;
  static constexpr uint64_t message = 0x40;    // HTMSI_EN: send it on as a message
  static constexpr uint64_t edge = 0x60;       // 1: edge, 0: level
  static constexpr uint64_t clear = 0x80;      // write 1: forget an edge, end the service
  static constexpr uint64_t route = 0x100;     // a byte for each input: 1, to the CPU
  static constexpr uint64_t vector = 0x200;    // a byte for each input: the EIOINTC vector of its message
  static constexpr uint64_t polarity = 0x3e0;  // 1: active low
};

}  // namespace arch::regs
