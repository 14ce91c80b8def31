// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ucontext.h>

#include "hal/base/address.hpp"

namespace arch {

// A processor for host tests: contexts are ucontexts, CPUs are whatever tests/fakes/machine.hpp says is executing.
struct Cpu {
  struct Context {
    ucontext_t saved{};
    void (*entry)(void*) = nullptr;
    void* argument = nullptr;
    void* fake_stack = nullptr;  // AddressSanitizer's
  };
  static void prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument);
  static void switch_context(Context& from, Context& to);
  static void* local();
  static void set_local(void* local);
  static void wait_for_interrupt();
  static void halt();
};

}  // namespace arch
