// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/base/bits.hpp"

namespace arch::la64 {

// A load or store of one general-purpose register. Where it goes is not in here: BADV has the address.
struct Access {
  uint8_t reg;   // r0..r31; a load to r0 is dropped, a store from it writes 0
  uint8_t size;  // bytes: 1, 2, 4 or 8
  bool store;
  bool sign_extend;  // loads: to 64 bits; else the rest of the register becomes 0
};

namespace detail {

using rd = hal::Field<4, 0, uint8_t>;
using opcode_si12 = hal::Field<31, 22>;
using opcode_si14 = hal::Field<31, 24>;
using opcode_3r = hal::Field<31, 15>;

// LD and ST with a 12-bit offset, and LDX and STX with an index, count the same way (Volume 1, appendix B): four signed
// loads by size, four stores, three unsigned loads. After those come prefetches and floating point.
constexpr std::optional<Access> numbered(uint32_t instruction, uint64_t operation) {
  constexpr uint64_t first_store = 4, first_unsigned = 8, end = 11;
  if (operation >= end) return std::nullopt;
  const auto size = static_cast<uint8_t>(1U << (operation & 3));
  return Access{.reg = rd::get(instruction),
                .size = size,
                .store = operation >= first_store && operation < first_unsigned,
                .sign_extend = operation < first_store && size < 8};
}

}  // namespace detail

// Decode a load or store that met a device (BADI, the faulting instruction). Volume 1, 2.2.5: every load and store of
// general-purpose registers that compilers emit for device registers. Nothing for the rest (LL and SC, AM* atomics,
// bound-checking, floating-point and vector registers, prefetches): the guest gets an exception.
[[nodiscard]] constexpr std::optional<Access> decode(uint32_t instruction) {
  using namespace detail;
  constexpr uint64_t ld_b = 0xa0, ldptr_w = 0x24, stptr_d = 0x27, ldx_b = 0x7000;
  if (const uint64_t opcode = opcode_si12::get(instruction); opcode >> 4 == ld_b >> 4) {
    return numbered(instruction, opcode - ld_b);
  }
  if (const uint64_t opcode = opcode_3r::get(instruction); opcode >> 7 == ldx_b >> 7 && opcode % 8 == 0) {
    return numbered(instruction, (opcode - ldx_b) / 8);
  }
  // LDPTR and STPTR, whose offset has 14 bits and counts words: W, then D.
  if (const uint64_t opcode = opcode_si14::get(instruction); opcode >= ldptr_w && opcode <= stptr_d) {
    const bool doubleword = (opcode & 2) != 0;
    const bool store = (opcode & 1) != 0;
    return Access{.reg = rd::get(instruction),
                  .size = static_cast<uint8_t>(doubleword ? 8 : 4),
                  .store = store,
                  .sign_extend = !store && !doubleword};
  }
  return std::nullopt;
}

}  // namespace arch::la64
