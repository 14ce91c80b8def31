// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/sysreg.hpp"
#include "hal/base/address.hpp"

namespace arch {

// Keeps the contract of hal/cpu.hpp.
struct Cpu {
  // A task that does not run: its callee-saved registers lie on its stack (trap/context.S).
  struct Context {
    uint64_t sp = 0;
  };
  static void prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument);
  static void switch_context(Context& from, Context& to);

  static void* local() { return reinterpret_cast<void*>(read<regs::tpidr_el2>()); }
  static void set_local(void* pointer) { write<regs::tpidr_el2>(reinterpret_cast<uint64_t>(pointer)); }

  // A pending interrupt ends WFI even while PSTATE masks it (D1.6.2). The barrier orders what the caller looked at
  // last.
  static void wait_for_interrupt() {
    if (interrupts_wake_) asm volatile("dsb sy\n wfi" ::: "memory");
  }
  // No interrupt is going to end a WFI on this machine: the boot CPU, which is alone then, does not sleep.
  static void stay_awake() { interrupts_wake_ = false; }
  static void halt() {
    while (true) asm volatile("wfe");
  }

  // A frame pointer points at the record (AAPCS64 6.4.6).
  static constexpr uint64_t frame_record_below = 0;

 private:
  static inline constinit bool interrupts_wake_ = true;
};

}  // namespace arch
