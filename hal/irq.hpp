// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "hal/cpu.hpp"

namespace hal {

// A physical interrupt as the interrupt controller numbers it (GIC INTID; LoongArch: EIOINTC vector).
enum class Irq : uint32_t {};

// The physical interrupt controller. The hypervisor never runs with interrupts unmasked: they are taken as guest exits,
// or collected with poll() where a CPU idles or a task yields.
template <class I>
concept InterruptController = requires(Irq irq, CpuIndex cpu, bool level) {
  // Take the interrupts that are pending on this CPU and hand each to hal/upcall.hpp. Returns when none is left, or after
  // a fixed number of them: one that is raised again and again holds nobody here. What is left stays pending, so that a
  // guest is left at once and a sleep does not begin.
  { I::poll() } -> std::same_as<void>;
  // Do interrupts of devices arrive? Without a controller that we drive they do not, and poll() looks at the clock.
  { I::are_up() } -> std::same_as<bool>;
  // Route a shared peripheral interrupt to a CPU and let it through, or stop it.
  { I::enable(irq, cpu, level) } -> std::same_as<void>;
  { I::disable(irq) } -> std::same_as<void>;
  // Interrupt another CPU: it leaves its guest or its idle loop and calls upcall::interrupted_by_cpu().
  { I::send_ipi(cpu) } -> std::same_as<void>;
};

}  // namespace hal

#include <arch/irq.hpp>

namespace hal {
static_assert(InterruptController<arch::Irqs>, "arch/irq.hpp does not keep the contract of hal/irq.hpp");
using Irqs = arch::Irqs;
}  // namespace hal
