// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace arch {

// The I/O control and status registers: those of the package, some of them of the executing CPU (vol. 1, 4.2.2).
[[nodiscard]] inline uint32_t iocsr_read32(uint64_t address) {
  uint64_t value;
  asm volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(address) : "memory");
  return static_cast<uint32_t>(value);
}
[[nodiscard]] inline uint64_t iocsr_read64(uint64_t address) {
  uint64_t value;
  asm volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(address) : "memory");
  return value;
}
inline void iocsr_write32(uint64_t address, uint32_t value) {
  asm volatile("iocsrwr.w %0, %1" ::"r"(uint64_t{value}), "r"(address) : "memory");
}
inline void iocsr_write64(uint64_t address, uint64_t value) {
  asm volatile("iocsrwr.d %0, %1" ::"r"(value), "r"(address) : "memory");
}

}  // namespace arch
