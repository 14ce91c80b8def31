// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "trap.hpp"

namespace hostile {

inline constexpr unsigned access_forms = 8;

// A load or store of 1 << form % 4 bytes.
inline void access(uint64_t address, uint64_t value, unsigned form) {
  (void)guest::attempt([=] {
    switch (form % access_forms) {
      case 0: asm volatile("ld.b $t0, %0, 0" : : "r"(address) : "$t0", "memory"); break;
      case 1: asm volatile("ld.hu $t0, %0, 0" : : "r"(address) : "$t0", "memory"); break;
      case 2: asm volatile("ld.w $t0, %0, 0" : : "r"(address) : "$t0", "memory"); break;
      case 3: asm volatile("ld.d $t0, %0, 0" : : "r"(address) : "$t0", "memory"); break;
      case 4: asm volatile("st.b %1, %0, 0" : : "r"(address), "r"(value) : "memory"); break;
      case 5: asm volatile("st.h %1, %0, 0" : : "r"(address), "r"(value) : "memory"); break;
      case 6: asm volatile("st.w %1, %0, 0" : : "r"(address), "r"(value) : "memory"); break;
      default: asm volatile("st.d %1, %0, 0" : : "r"(address), "r"(value) : "memory"); break;
    }
  });
}

}  // namespace hostile
