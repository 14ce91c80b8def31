// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// The extended I/O interrupt controller of the CPU package, in IOCSR space (Loongson 3A5000 manual, 11.2): 256 vectors,
// each enabled, routed to one CPU, and there one of the hardware interrupt lines of ESTAT.
namespace arch::regs {

struct misc_func {
  static constexpr uint32_t address = 0x420;
  using extioi = hal::Field<48>;  // the controller is used
};

struct eiointc {
  static constexpr unsigned vectors = 256;
  static constexpr unsigned cores_per_node = 4;
  static constexpr uint32_t node_map = 0x14a0;  // 16 bits for each node, of 16
  static constexpr uint32_t line_map = 0x14c0;  // a byte for each 32 vectors: one-hot HWI0 to HWI3
  static constexpr uint32_t enable = 0x1600;    // a bit for each vector
  static constexpr uint32_t bounce = 0x1680;    // a bit for each vector: spread over CPUs; off
  static constexpr uint32_t pending = 0x1800;   // of the executing CPU; write 1 to clear
  static constexpr uint32_t route = 0x1c00;     // a byte for each vector
  using route_core = hal::Field<3, 0>;          // one-hot
  using route_node = hal::Field<7, 4>;
};

}  // namespace arch::regs
