// SPDX-License-Identifier: Apache-2.0
// Where libc++'s hardened containers end in the EFI part, by a bug of ours. Firmware reports the trap.
#include <__verbose_abort>

namespace std {
inline namespace _LIBCPP_ABI_NAMESPACE {

void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }

}  // namespace _LIBCPP_ABI_NAMESPACE
}  // namespace std
