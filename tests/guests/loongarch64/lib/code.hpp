// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "trap.hpp"

namespace guest {

// An instruction made at run time (volume 1, appendix B).
class Code {
 public:
  // Run it with `a0` and `a1`; `a0` is what it holds afterwards.
  Fault execute(uint32_t instruction, uint64_t& a0, uint64_t a1) {
    code_ = {instruction, nop, ret};
    asm volatile("dbar 0\n ibar 0" ::: "memory");
    const auto entry = reinterpret_cast<uint64_t>(code_.data());
    return attempt([&] {
      register uint64_t r4 asm("$a0") = a0;
      register uint64_t r5 asm("$a1") = a1;
      asm volatile("jirl $ra, %2, 0" : "+r"(r4), "+r"(r5) : "r"(entry) : "$ra", "memory");
      a0 = r4;
    });
  }

 private:
  static constexpr uint32_t nop = 0x0340'0000;  // andi $zero, $zero, 0
  static constexpr uint32_t ret = 0x4c00'0020;  // jirl $zero, $ra, 0
  alignas(64) std::array<uint32_t, 16> code_{};
};

// Its operands.
inline constexpr uint32_t rd_a0 = 4, rj_a0 = 4 << 5, rj_a1 = 5 << 5;

}  // namespace guest
