// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// What stepping over an instruction takes in AArch32 state, which guests have at EL0. Pure: tested on the host.
namespace arch::regs {

// Saved program status, AArch32 form (C5.2.19).
struct spsr32 {
  using t = hal::Field<5>;  // T32
  using e = hal::Field<9>;  // big endian
  using it_high = hal::Field<15, 10>;
  using it_low = hal::Field<26, 25>;
};

// The status after an instruction (F1.4.2, "ITAdvance()"): IT[7:5] is the block's condition, IT[4:0] says for how many
// instructions, and the last one ends the block.
constexpr uint64_t advance_it(uint64_t status) {
  const uint64_t it = spsr32::it_high::get(status) << 2 | spsr32::it_low::get(status);
  const uint64_t next = (it & 0b111) == 0 ? 0 : (it & 0b1110'0000) | (it << 1 & 0b1'1111);
  return spsr32::it_low::set(spsr32::it_high::set(status, next >> 2), next & 0b11);
}

}  // namespace arch::regs
