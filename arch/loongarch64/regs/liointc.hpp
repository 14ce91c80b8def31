// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// The legacy I/O interrupt controller of the CPU package (Loongson 3A5000 manual, 11.1; loongson,liointc.yaml): 32
// inputs, each to one core of the package's first four and there to one of HWI0 to HWI3. Words have a bit for each
// input.
namespace arch::regs {

struct liointc {
  static constexpr unsigned inputs = 32;
  static constexpr unsigned cores = 4;
  static constexpr uint64_t size = 0x60;
  static constexpr uint64_t route = 0x00;     // a byte for each input
  using route_core = hal::Field<3, 0>;        // one-hot
  using route_line = hal::Field<7, 4>;        // one-hot
  static constexpr uint64_t enable = 0x28;    // write 1
  static constexpr uint64_t disable = 0x2c;   // write 1; forgets an edge too
  static constexpr uint64_t polarity = 0x30;  // 1: active low
  static constexpr uint64_t edge = 0x34;      // 1: edge, 0: level
  static constexpr uint64_t status = 0x40;    // of core 0, enabled and pending; 8 bytes on for each further core
};

}  // namespace arch::regs
