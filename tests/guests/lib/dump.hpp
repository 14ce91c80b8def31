// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "cpu.hpp"
#include "machine.hpp"
#include "trap.hpp"

// What an inventory says of registers: `reg WHERE OFFSET VALUE`, for those that are not zero.
namespace guest {

inline void say(std::string_view where, uint64_t offset, uint64_t value) {
  if (value != 0) print("reg {} {:#x} {:#x}", where, offset, value);
}

// `size` bytes of registers of 32 bits. One that faults is said to.
inline void dump(std::string_view where, uint64_t base, uint64_t size) {
  for (uint64_t offset = 0; offset < size; offset += 4) {
    uint32_t value = 0;
    if (attempt([&] { value = read32(base + offset); }).taken) {
      print("reg {} {:#x} fault", where, offset);
    } else {
      say(where, offset, value);
    }
  }
}

}  // namespace guest
