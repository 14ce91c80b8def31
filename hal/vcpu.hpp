// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#include "hal/access_kind.hpp"
#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"
#include "hal/exit_class.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/memory_access.hpp"
#include "hal/start_state.hpp"

namespace hal {

// The hardware half of a virtual CPU. vmm::Vcpu derives from it. It is run by one task; only the CPU on which that task
// runs may call, except where a line says otherwise.
template <class V>
concept VirtualProcessor =
    requires(V vcpu, const V constant, const StartState& start, uint64_t value, typename V::StackPart& part, unsigned n,
             GuestReader& memory, const MemoryAccess& access) {
      // Bits that any CPU may set; while one is set, upcall::guest_attention() comes before the next guest instruction.
      { vcpu.attention } -> std::same_as<std::atomic<uint32_t>&>;
      // Where the guest's registers lie while it is out, is the architecture's choice: AArch64 has them on the stack of
      // the vCPU's task, LoongArch in the vCPU, which hardware reaches without a TLB. `part` is what it wants on the
      // stack: a variable of the function that calls enter_guest(). Once, before anything below.
      { vcpu.prepare_exits(part) } -> std::same_as<void>;
      // Architectural reset, to start there. Not loaded afterwards.
      { vcpu.reset(start) } -> std::same_as<void>;
      // The guest's counters are to show hal::Timer::now() less `value`. While it is not loaded; on any CPU.
      { vcpu.set_counter_offset(value) } -> std::same_as<void>;
      // Into and out of the CPU, when the CPU goes from one vCPU to another.
      { vcpu.load() } -> std::same_as<void>;
      { vcpu.save() } -> std::same_as<void>;
      { constant.is_loaded() } -> std::same_as<bool>;

      // How often it came to the hypervisor, since prepare_exits(). Any CPU.
      { constant.exits(ExitClass{}) } -> std::same_as<uint64_t>;
      // Tell upcall::exit_begins() and exit_ends() of every exit from now on, or no longer.
      { vcpu.observe_exits(true) } -> std::same_as<void>;
      // The exit that is being handled, of class `device`, met none: it counts as `memory`.
      { vcpu.met_no_device() } -> std::same_as<void>;

      // Does the guest's instruction that waits for an interrupt come to upcall::guest_idle()? If not, where the hardware
      // can, the CPU sleeps in the guest: any interrupt of the machine ends that with an exit.
      { vcpu.trap_idle(true) } -> std::same_as<void>;

      // Begin to run the guest. Never returns; of the caller's stack, what lies above its StackPart stays.
      { vcpu.enter_guest() } -> std::same_as<void>;

      // General registers by number, the program counter.
      { constant.reg(n) } -> std::same_as<uint64_t>;
      { vcpu.set_reg(n, value) } -> std::same_as<void>;
      { constant.pc() } -> std::same_as<uint64_t>;
      { vcpu.skip_instruction() } -> std::same_as<void>;
      // Does the guest take no interrupts, as it is now?
      { constant.interrupts_masked() } -> std::same_as<bool>;
      // Has its data, as it is now, its bytes the other way round than ours?
      { constant.is_big_endian() } -> std::convertible_to<bool>;
      // Does an interrupt of its own wait that only load() can give it? While it is not loaded.
      { constant.owes_interrupt() } -> std::convertible_to<bool>;
      // When the guest's own timer, which needs no exit, wants to interrupt it; `never`: it does not. In hal::Ticks,
      // loaded or not.
      { constant.timer_deadline() } -> std::same_as<uint64_t>;
      // Does that end the sleep of the CPU in which the vCPU is loaded? If not, a vCPU that waits has its timer
      // suspended, and something else wakes it at the deadline: the registers stay loaded, but nothing counts in them.
      { V::timer_wakes_cpu } -> std::convertible_to<bool>;
      { vcpu.suspend_timer() } -> std::same_as<void>;
      { vcpu.resume_timer() } -> std::same_as<void>;

      // Where the access that made the guest exit went, before it runs again.
      { constant.fault_address() } -> std::same_as<GuestVirt>;
      // The load or store at PC, for upcall::guest_undecoded_access(). `memory`: the VM's, where the hardware does not
      // hand over the instruction. Does not change the vCPU.
      { constant.decode_access(memory) } -> std::same_as<Result<MemoryAccess, Undecoded>>;
      // That access has been carried out: everything it changes beside the registers it transfers.
      { vcpu.complete(access) } -> std::same_as<void>;

      // The store at PC goes to a ROM: do what it does beside storing, and step over it. `rom`: what may not be written.
      { vcpu.drop_store(memory, memory) } -> std::same_as<Result<void, Undecoded>>;

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
