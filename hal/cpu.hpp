// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/cpu_index.hpp"

namespace hal {

// What a processor owes the layers above. All functions are static and act on the executing CPU.
template <class C>
concept Processor = requires(typename C::Context& context, HostVirt stack_top, void (*entry)(void*), void* pointer) {
  // Callee-saved state of a task that does not run.
  requires std::default_initializable<typename C::Context>;
  // Lay out `context` so that the first switch to it calls entry(pointer) on that stack. `entry` never returns.
  { C::prepare(context, stack_top, entry, pointer) } -> std::same_as<void>;
  // Save into the first, continue with the second; returns when somebody switches back to the first. Interrupts masked.
  { C::switch_context(context, context) } -> std::same_as<void>;

  // One pointer that differs on each CPU; task:: keeps its per-CPU data there.
  { C::local() } -> std::same_as<void*>;
  { C::set_local(pointer) } -> std::same_as<void>;

  // Sleep until an interrupt is pending (masked or not). May return early.
  { C::wait_for_interrupt() } -> std::same_as<void>;
  // Stop this CPU for good.
  { C::halt() } -> std::same_as<void>;

  // How far below a frame pointer its record begins: the caller's frame pointer, then the return address.
  { C::frame_record_below } -> std::same_as<const uint64_t&>;
};

}  // namespace hal

#include <arch/cpu.hpp>

namespace hal {
static_assert(Processor<arch::Cpu>, "arch/cpu.hpp does not keep the contract of hal/cpu.hpp");
using Cpu = arch::Cpu;
}  // namespace hal
