// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/iocsr.hpp"
#include "arch/loongarch64/regs/csr.hpp"

namespace arch {

// Control and status registers by type.
template <class Register>
[[nodiscard]] inline uint64_t read() {
  uint64_t value;
  asm volatile("csrrd %0, %1" : "=r"(value) : "i"(Register::number) : "memory");
  return value;
}

template <class Register>
inline void write(uint64_t value) {
  asm volatile("csrwr %0, %1" : "+r"(value) : "i"(Register::number) : "memory");
}

// The bits of `mask` only; the old value. The mask is pinned to a register: with $r0 or $r1 the instruction is another.
template <class Register>
inline uint64_t exchange(uint64_t value, uint64_t mask) {
  register uint64_t bits asm("t0") = mask;
  asm volatile("csrxchg %0, %1, %2" : "+r"(value) : "r"(bits), "i"(Register::number) : "memory");
  return value;
}

// The same of the guest's bank (LVZ).
template <class Register>
[[nodiscard]] inline uint64_t read_guest() {
  uint64_t value;
  asm volatile("gcsrrd %0, %1" : "=r"(value) : "i"(Register::number) : "memory");
  return value;
}

template <class Register>
inline void write_guest(uint64_t value) {
  asm volatile("gcsrwr %0, %1" : "+r"(value) : "i"(Register::number) : "memory");
}

template <class Register>
inline void exchange_guest(uint64_t value, uint64_t mask) {
  register uint64_t bits asm("t0") = mask;
  asm volatile("gcsrxchg %0, %1, %2" : "+r"(value) : "r"(bits), "i"(Register::number) : "memory");
}

[[nodiscard]] inline uint64_t cpucfg(uint64_t word) {
  uint64_t value;
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(word));
  return value & 0xffff'ffff;
}

// Loads and stores before it are complete before those after it; what was written as code is fetched.
inline void dbar() { asm volatile("dbar 0" ::: "memory"); }
inline void ibar() { asm volatile("ibar 0" ::: "memory"); }

}  // namespace arch
