// SPDX-License-Identifier: Apache-2.0
// What the compiler and libc++ call by themselves. In a guest either means a bug of the guest's own.
#include <cstdint>

#include "machine.hpp"

extern "C" constinit const uintptr_t __stack_chk_guard = 0x5f37'59df'0a0d'00ff;

extern "C" [[noreturn]] void __stack_chk_fail() {
  guest::print("guest: stack overrun");
  guest::power_off();
}

namespace std {
inline namespace __1 {
[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) {
  guest::print("guest: {}", format);
  guest::power_off();
}
}  // namespace __1
}  // namespace std
