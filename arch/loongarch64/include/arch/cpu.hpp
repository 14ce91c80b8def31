// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/sysreg.hpp"
#include "hal/base/address.hpp"

// trap/vectors.S
extern "C" void arch_idle();

namespace arch {

// Keeps the contract of hal/cpu.hpp.
struct Cpu {
  // A task that does not run: its callee-saved registers lie on its stack (trap/context.S).
  struct Context {
    uint64_t sp = 0;
  };
  static void prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument);
  static void switch_context(Context& from, Context& to);

  // The ABI gives no register to such a pointer that a guest would leave alone.
  static void* local() { return reinterpret_cast<void*>(read<regs::save<3>>()); }
  static void set_local(void* pointer) { write<regs::save<3>>(reinterpret_cast<uint64_t>(pointer)); }

  static void wait_for_interrupt() { arch_idle(); }
  static void halt();

  // A frame pointer is the caller's SP, and the record lies below it (ELF psABI, "Stack Frame").
  static constexpr uint64_t frame_record_below = 16;
};

}  // namespace arch
