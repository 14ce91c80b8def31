// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#include "hal/access_kind.hpp"
#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/exit_class.hpp"
#include "hal/guest_inspector.hpp"

namespace hal {

// The hardware half of a virtual CPU. vmm::Vcpu derives from it. It is run by one task; only the CPU on which that task
// runs may call, except where a line says otherwise.
template <class V>
concept VirtualProcessor =
    requires(V vcpu, const V constant, GuestPhys pc, uint64_t value, typename V::Frame& frame, unsigned n) {
      // Bits that any CPU may set; while one is set, upcall::guest_attention() comes before the next guest instruction.
      { vcpu.attention } -> std::same_as<std::atomic<uint32_t>&>;
      // Where the guest's registers lie while it is out: a variable of the function that calls enter_guest().
      { vcpu.use_frame(frame) } -> std::same_as<void>;
      // Architectural reset, to start at `pc` with `value` in the first argument register. Not loaded afterwards.
      { vcpu.reset(pc, value) } -> std::same_as<void>;
      // Into and out of the CPU, when the CPU goes from one vCPU to another.
      { vcpu.load() } -> std::same_as<void>;
      { vcpu.save() } -> std::same_as<void>;
      { constant.is_loaded() } -> std::same_as<bool>;

      // How often it came to the hypervisor, since use_frame(). Any CPU.
      { constant.exits(ExitClass{}) } -> std::same_as<uint64_t>;
      // Tell upcall::exit_begins() and exit_ends() of every exit from now on, or no longer. After use_frame().
      { vcpu.observe_exits(true) } -> std::same_as<void>;
      // The exit that is being handled, of class `device`, met none: it counts as `memory`.
      { vcpu.met_no_device() } -> std::same_as<void>;

      // Begin to run the guest from its frame. Never returns.
      { vcpu.enter_guest() } -> std::same_as<void>;

      // General registers by number, the program counter.
      { constant.reg(n) } -> std::same_as<uint64_t>;
      { vcpu.set_reg(n, value) } -> std::same_as<void>;
      { constant.pc() } -> std::same_as<uint64_t>;
      { vcpu.skip_instruction() } -> std::same_as<void>;
      // Does the guest take no interrupts, as it is now?
      { constant.interrupts_masked() } -> std::same_as<bool>;

      // Exceptions that the guest takes at its own vector.
      { vcpu.inject_undefined() } -> std::same_as<void>;
      { vcpu.inject_external_abort(GuestVirt{}, AccessKind::load) } -> std::same_as<void>;
    };

// What it owes to post-mortems.
template <class V>
concept Reportable = requires(const V vcpu, TextSink& sink, GuestInspector& guest, uint64_t syndrome) {
  // A few whole lines, while the vCPU does not run: registers and what they mean, the code at PC, how the guest
  // translates PC and the address of its last fault.
  { vcpu.report(sink, guest) } -> std::same_as<void>;
  // What upcall::ExitReport::syndrome says, in words; less than a line.
  { V::describe_syndrome(sink, syndrome) } -> std::same_as<void>;
};

}  // namespace hal

#include <arch/vcpu.hpp>

namespace hal {
static_assert(VirtualProcessor<arch::Vcpu> && Reportable<arch::Vcpu>,
              "arch/vcpu.hpp does not keep the contract of hal/vcpu.hpp");
using Vcpu = arch::Vcpu;
}  // namespace hal
