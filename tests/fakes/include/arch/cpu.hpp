// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "tests/fakes/fiber.hpp"

namespace arch {

// A processor for host tests; what it does is up to the machine of tests/fakes/machine.hpp. Contexts have stacks of
// their own, because nobody maps the hypervisor's.
struct Cpu {
  struct Context {
    fake::Fiber fiber;
  };
  static void prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument);
  static void switch_context(Context& from, Context& to);
  static void* local();
  static void set_local(void* local);
  static void wait_for_interrupt();
  static void halt();
  static constexpr uint64_t frame_record_below = 0;
};

}  // namespace arch
