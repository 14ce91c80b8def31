// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

namespace arch::regs {

// An instruction that a guest may not execute by itself (exception GSPR): what it is, and its fields. Volume 1, 2.2.10
// and 4.2, appendix B; the encodings are tested against LLVM's assembler.
struct Sensitive {
  enum class Kind : uint8_t {
    unknown,
    cpucfg,
    csr_read,
    csr_write,
    csr_exchange,
    iocsr_read,
    iocsr_write,
    cacop,
    idle,
    time_low,
    time_high,
    time
  };
  Kind kind = Kind::unknown;
  uint8_t rd = 0;         // result; of a write what is written
  uint8_t rj = 0;         // CPUCFG word, IOCSR address, mask; of rdtime the counter's ID goes there
  uint8_t log2_size = 0;  // IOCSR
  uint16_t csr = 0;
};

[[nodiscard]] constexpr Sensitive decode_sensitive(uint32_t instruction) {
  using rd = hal::Field<4, 0, uint8_t>;
  using rj = hal::Field<9, 5, uint8_t>;
  using csr = hal::Field<23, 10, uint16_t>;
  using Kind = Sensitive::Kind;
  Sensitive found{.rd = rd::get(instruction), .rj = rj::get(instruction)};
  const uint32_t two_registers = instruction >> 10;
  switch (two_registers) {
    case 0x18: found.kind = Kind::time_low; return found;
    case 0x19: found.kind = Kind::time_high; return found;
    case 0x1a: found.kind = Kind::time; return found;
    case 0x1b: found.kind = Kind::cpucfg; return found;
    default: break;
  }
  if (two_registers >= 0x1'9200 && two_registers <= 0x1'9207) {
    found.kind = (two_registers & 4) != 0 ? Kind::iocsr_write : Kind::iocsr_read;
    found.log2_size = two_registers & 3;
  } else if (instruction >> 24 == 0x04) {
    found.csr = csr::get(instruction);
    found.kind = found.rj == 0 ? Kind::csr_read : found.rj == 1 ? Kind::csr_write : Kind::csr_exchange;
  } else if (instruction >> 22 == 0x18) {
    found.kind = Kind::cacop;
  } else if (instruction >> 15 == 0xc91) {
    found.kind = Kind::idle;
  }
  return found;
}

}  // namespace arch::regs
