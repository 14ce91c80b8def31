// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// Messages between CPUs, in IOCSR space (Loongson 3A5000 manual, chapter 10). Addresses below 0x1040 are the executing
// CPU's own.
namespace arch::regs {

struct ipi {
  static constexpr uint32_t status = 0x1000, enable = 0x1004, set = 0x1008, clear = 0x100c;
  static constexpr uint32_t mailbox = 0x1020;
};

// Sets bit `vector` of a CPU's status.
struct ipi_send {
  static constexpr uint32_t address = 0x1040;
  using vector = hal::Field<4, 0>;
  using cpu = hal::Field<25, 16>;
  using blocking = hal::Field<31>;  // the store waits until it is done
};

// Writes half of a CPU's mailbox.
struct mail_send {
  static constexpr uint32_t address = 0x1048;
  using half = hal::Field<4, 2>;  // 2 * mailbox, and 1 more for its upper half
  using cpu = hal::Field<25, 16>;
  using blocking = hal::Field<31>;
  using data = hal::Field<63, 32>;
};

}  // namespace arch::regs
