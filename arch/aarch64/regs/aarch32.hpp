// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"
#include "hal/base/bits.hpp"

// What emulating an instruction takes in AArch32 state, which guests have at EL0. Pure: tested on the host.
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

// Does the condition hold (F1.3.1)? `status` has N, Z, C and V where AArch64's has them.
constexpr bool condition_holds(uint64_t status, unsigned condition) {
  const bool n = (status >> 31 & 1) != 0, z = (status >> 30 & 1) != 0, c = (status >> 29 & 1) != 0,
             v = (status >> 28 & 1) != 0;
  if (condition >= 0b1110) return true;
  const bool holds[] = {z, c, n, v, c && !z, n == v, n == v && !z};
  return holds[condition >> 1] != ((condition & 1) != 0);
}

// ISS of a trapped MCR, MRC, MCRR or MRRC (D24.2.40).
struct coprocessor_iss {
  using read = hal::Field<0>;
  using crm = hal::Field<4, 1>;
  using rt = hal::Field<9, 5>;
  using crn = hal::Field<13, 10>;    // of 32 bits
  using rt2 = hal::Field<14, 10>;    // of 64 bits
  using op1 = hal::Field<16, 14>;    // of 32 bits
  using wide_op1 = hal::Field<19, 16>;  // of 64 bits
  using op2 = hal::Field<19, 17>;    // of 32 bits
  using cond = hal::Field<23, 20>;
  using cv = hal::Field<24>;
};

// A CPU may trap an instruction whose condition fails, which then does nothing. Where it does not say which condition
// that is, it is that of the IT block, if the instruction is in one.
constexpr bool is_executed(uint64_t iss, uint64_t status) {
  if (coprocessor_iss::cv::is_set(iss)) {
    return condition_holds(status, static_cast<unsigned>(coprocessor_iss::cond::get(iss)));
  }
  const uint64_t it = spsr32::it_high::get(status) << 2 | spsr32::it_low::get(status);
  return it == 0 || condition_holds(status, static_cast<unsigned>(it >> 4));
}

// The AArch64 register behind an access to the physical timer or counter in coprocessor 15 (G8.7); 0: something else.
constexpr uint32_t timer_of_32_bits(uint64_t iss) {
  using iss32 = coprocessor_iss;
  if (iss32::crn::get(iss) != 14 || iss32::op1::get(iss) != 0 || iss32::crm::get(iss) != 2) return 0;
  switch (iss32::op2::get(iss)) {
    case 0: return cntp_tval_el0::id;
    case 1: return cntp_ctl_el0::id;
    default: return 0;
  }
}
constexpr uint32_t timer_of_64_bits(uint64_t iss) {
  if (coprocessor_iss::crm::get(iss) != 14) return 0;
  switch (coprocessor_iss::wide_op1::get(iss)) {
    case 0: return cntpct_el0::id;
    case 2: return cntp_cval_el0::id;
    case 8: return cntpctss_el0::id;
    default: return 0;
  }
}

}  // namespace arch::regs
