// SPDX-License-Identifier: Apache-2.0
// Where libc++ and the compiler end up by a bug of ours: hardened containers that we index out of bounds, delete.
#include <__verbose_abort>

#include <cstddef>

#include "hal/base/panic.hpp"

namespace std {
inline namespace _LIBCPP_ABI_NAMESPACE {

void __libcpp_verbose_abort(const char* format, ...) { hal::panic(format); }

}  // namespace _LIBCPP_ABI_NAMESPACE
}  // namespace std

// Virtual destructors refer to it. Nothing here is made by new, so nothing ends this way (mm/heap.hpp).
void operator delete(void*, size_t) noexcept { hal::panic("operator delete was called"); }
