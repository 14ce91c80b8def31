// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"

namespace arch {

// System registers by type. The generic S<op0>_<op1>_C<n>_C<m>_<op2> spelling assembles for every register, whatever
// -march says.
template <class Register>
[[nodiscard]] inline uint64_t read() {
  uint64_t value;
  asm volatile("mrs %0, S%c1_%c2_C%c3_C%c4_%c5"
               : "=r"(value)
               : "i"(Register::op0), "i"(Register::op1), "i"(Register::crn), "i"(Register::crm), "i"(Register::op2)
               : "memory");
  return value;
}

template <class Register>
inline void write(uint64_t value) {
  asm volatile("msr S%c1_%c2_C%c3_C%c4_%c5, %x0"
               :
               : "rZ"(value), "i"(Register::op0), "i"(Register::op1), "i"(Register::crn), "i"(Register::crm),
                 "i"(Register::op2)
               : "memory");
}

inline void isb() { asm volatile("isb" ::: "memory"); }
inline void dsb_sy() { asm volatile("dsb sy" ::: "memory"); }
inline void dsb_ish() { asm volatile("dsb ish" ::: "memory"); }
inline void dsb_ishst() { asm volatile("dsb ishst" ::: "memory"); }

}  // namespace arch
