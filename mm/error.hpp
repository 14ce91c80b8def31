// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace mm {

enum class MmError : uint8_t {
  out_of_memory,   // no free block of that size
  misaligned,      // not a multiple of the page size
  out_of_range,    // outside the address space or the memory of this machine
  already_mapped,  // something else is mapped there
  not_mapped,      // nothing is mapped there
  no_access,       // mapped, but not with these rights, or not RAM
};

[[nodiscard]] constexpr std::string_view name(MmError error) {
  switch (error) {
    case MmError::out_of_memory: return "out of memory";
    case MmError::misaligned: return "not page-aligned";
    case MmError::out_of_range: return "outside the address space";
    case MmError::already_mapped: return "already mapped";
    case MmError::not_mapped: return "not mapped";
    case MmError::no_access: return "access not allowed";
  }
  return "?";
}

}  // namespace mm
