// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace fake {

// A stack and the registers of code that does not execute now. AddressSanitizer is told about every switch.
struct Fiber {
  ucontext_t saved{};
  std::unique_ptr<std::byte[]> memory;  // of a stack of its own
  const void* stack = nullptr;
  size_t stack_size = 0;
  void* shadow = nullptr;  // AddressSanitizer's
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;

  void prepare(void (*to)(void*), void* with);
  // Save into `from`, continue with `to`.
  static void switch_between(Fiber& from, Fiber& to);
};

}  // namespace fake
