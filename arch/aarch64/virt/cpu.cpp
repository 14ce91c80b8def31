// SPDX-License-Identifier: Apache-2.0
#include "arch/cpu.hpp"

// trap/context.S
extern "C" void arch_switch_context(uint64_t* from, const uint64_t* to);
extern "C" void arch_start_task();

namespace arch {

void Cpu::prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument) {
  // What arch_switch_context() takes from a stack: x29, x30, then x19 to x28.
  auto* const frame = reinterpret_cast<uint64_t*>(stack_top.value()) - 12;
  for (unsigned i = 0; i < 12; ++i) frame[i] = 0;
  frame[1] = reinterpret_cast<uint64_t>(&arch_start_task);
  frame[2] = reinterpret_cast<uint64_t>(entry);
  frame[3] = reinterpret_cast<uint64_t>(argument);
  context.sp = reinterpret_cast<uint64_t>(frame);
}

void Cpu::switch_context(Context& from, Context& to) { arch_switch_context(&from.sp, &to.sp); }

}  // namespace arch
