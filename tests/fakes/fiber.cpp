// SPDX-License-Identifier: Apache-2.0
#include "fiber.hpp"

#include <cstdint>

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_start_switch_fiber(void**, const void*, size_t) {}
static void __sanitizer_finish_switch_fiber(void*, const void**, size_t*) {}
#endif

namespace fake {
namespace {

constexpr size_t stack_size = 128 * 1024;

thread_local Fiber* left = nullptr;  // by the switch that is under way

// On the new stack: whose stack was left is known only now.
[[gnu::noinline]] void arrive(void* shadow) {
  __sanitizer_finish_switch_fiber(shadow, &left->stack, &left->stack_size);
}

void start(uint32_t low, uint32_t high) {
  arrive(nullptr);
  auto* const fiber = reinterpret_cast<Fiber*>(uint64_t{high} << 32 | low);
  fiber->entry(fiber->argument);
}

}  // namespace

void Fiber::prepare(void (*to)(void*), void* with) {
  entry = to;
  argument = with;
  memory = std::make_unique<std::byte[]>(fake::stack_size);
  stack = memory.get();
  stack_size = fake::stack_size;
  getcontext(&saved);
  saved.uc_stack.ss_sp = memory.get();
  saved.uc_stack.ss_size = stack_size;
  saved.uc_link = nullptr;
  const auto self = reinterpret_cast<uint64_t>(this);
  makecontext(&saved, reinterpret_cast<void (*)()>(start), 2, static_cast<uint32_t>(self),
              static_cast<uint32_t>(self >> 32));
}

[[gnu::noinline]] void Fiber::switch_between(Fiber& from, Fiber& to) {
  left = &from;
  __sanitizer_start_switch_fiber(&from.shadow, to.stack, to.stack_size);
  swapcontext(&from.saved, &to.saved);
  arrive(from.shadow);
}

}  // namespace fake
