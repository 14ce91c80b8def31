// SPDX-License-Identifier: Apache-2.0
#include "arch/cpu.hpp"

#include <algorithm>

#include "arch/timer.hpp"

// trap/context.S
extern "C" void arch_switch_context(uint64_t* from, const uint64_t* to);
extern "C" void arch_start_task();

namespace arch {

constinit uint64_t Timer::frequency_ = 0;
constinit uint64_t Timer::longest_ = 0;

void Cpu::prepare(Context& context, hal::HostVirt stack_top, void (*entry)(void*), void* argument) {
  // What arch_switch_context() takes from a stack: ra, fp, then s0 to s8.
  auto* const frame = reinterpret_cast<uint64_t*>(stack_top.value()) - 12;
  for (unsigned i = 0; i < 12; ++i) frame[i] = 0;
  frame[0] = reinterpret_cast<uint64_t>(&arch_start_task);
  frame[2] = reinterpret_cast<uint64_t>(entry);
  frame[3] = reinterpret_cast<uint64_t>(argument);
  context.sp = reinterpret_cast<uint64_t>(frame);
}

void Cpu::switch_context(Context& from, Context& to) { arch_switch_context(&from.sp, &to.sp); }

void Cpu::halt() {
  // No interrupt is let through, so none ends it.
  write<regs::ecfg>(0);
  while (true) asm volatile("idle 0");
}

bool Timer::discover() {
  using namespace regs;
  if (!cpucfg2::timer::is_set(cpucfg(cpucfg2::word))) return false;
  // Crystal in Hz, times multiplier, by divider (vol. 1, 2.2.10.5).
  const uint64_t crystal = cpucfg(cpucfg4::word), ratio = cpucfg(cpucfg5::word);
  const uint64_t multiplier = cpucfg5::multiplier::get(ratio), divider = cpucfg5::divider::get(ratio);
  if (crystal == 0 || multiplier == 0 || divider == 0) return false;
  frequency_ = crystal * multiplier / divider;
  longest_ = hal::low_mask(static_cast<unsigned>(prcfg1::timer_bits::get(read<prcfg1>())) + 1) & ~uint64_t{3};
  return true;
}

// The timer counts down from a multiple of four, once. One that was not waited for may still be pending: it comes early,
// which the layers above expect.
void Timer::set_deadline(uint64_t deadline) {
  using regs::tcfg;
  if (deadline == ~uint64_t{0}) {
    write<tcfg>(0);
    return;
  }
  const uint64_t at = now();
  const uint64_t ticks = deadline > at ? std::min(deadline - at, longest_ - 4) : 0;
  write<tcfg>(tcfg::en::mask | tcfg::initial::of(ticks / 4 + 1));
}

}  // namespace arch
