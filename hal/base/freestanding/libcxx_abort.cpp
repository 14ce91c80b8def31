// SPDX-License-Identifier: Apache-2.0
// Where libc++'s hardened containers end up when we index one out of bounds: a bug of ours.
#include <__verbose_abort>

#include "hal/base/panic.hpp"

namespace std {
inline namespace _LIBCPP_ABI_NAMESPACE {

void __libcpp_verbose_abort(const char* format, ...) { hal::panic(format); }

}  // namespace _LIBCPP_ABI_NAMESPACE
}  // namespace std
