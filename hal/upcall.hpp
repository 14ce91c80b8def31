// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/boot_memory.hpp"
#include "hal/cpu.hpp"
#include "hal/exit_class.hpp"
#include "hal/irq.hpp"

namespace arch {
class Vcpu;
}

// The only way up: what arch/ and hal/ call, and the layers above define. Unless a line says otherwise, a function is
// called on the CPU it is about, with interrupts masked and no lock held.
namespace hal {
using Vcpu = arch::Vcpu;  // hal/vcpu.hpp
}

namespace hal::upcall {

// --- start-up -----------------------------------------------------------------------------------------------------

// The boot CPU, once the machine is discovered and before any other function here: memory from `memory`, then
// everything.
[[noreturn]] void boot(const BootMemory& memory);
// What a CPU that is about to be started needs. Nothing when there is no memory for it.
struct CpuResources {
  HostVirt stack_top;
};
[[nodiscard]] std::optional<CpuResources> prepare_cpu(CpuIndex cpu);
// On a started CPU, when it can run guests: never returns.
[[noreturn]] void cpu_ready(CpuIndex cpu);

// --- mm -----------------------------------------------------------------------------------------------------------

// Map a device's registers for good. Nothing when there is no memory for tables.
[[nodiscard]] std::optional<HostVirt> map_device(HostPhysRange registers);
// May the hypervisor read there? For reports on a broken state: takes no lock.
[[nodiscard]] bool is_readable(HostVirt place);

// --- task ---------------------------------------------------------------------------------------------------------

// This CPU's hypervisor timer reached its deadline.
void timer_expired();
// Another CPU sent an IPI.
void interrupted_by_cpu();
// The machine stops, after a report: no other CPU may do anything any more.
void stop_other_cpus();

// --- vmm: interrupts ----------------------------------------------------------------------------------------------

// A shared peripheral interrupt. It stays active, so it cannot fire again, until the callee or the guest it is given to
// deactivates it; true: the callee is done with it.
[[nodiscard]] bool device_interrupt(Irq irq);

// --- vmm: what a guest did ----------------------------------------------------------------------------------------
//
// Called from an exit of `vcpu`, which is loaded and runs on this CPU. Each may block (the task switches) and returns
// when the guest may go on; the program counter is the callee's to advance (vcpu.skip_instruction()) where a comment
// says so.

// A load or store that hit no memory, or memory it may not access, decoded by the hardware.
struct GuestAccess {
  GuestPhys address;
  uint8_t size;  // 1, 2, 4 or 8 bytes
  uint8_t reg;   // general register that is read or written; 31 is the zero register
  bool write;
  bool sign_extend;  // a load extends to the register's width
  bool wide;         // that width is 64 bits
};
// The callee advances the program counter.
void guest_access(Vcpu& vcpu, const GuestAccess& access);
// The same of an aligned word in our byte order, for the exit path: only the device's part of it. `word` is where the
// general register is. False: it is not of the device that this vCPU accessed last, or not aligned, and nothing has
// happened.
[[nodiscard]] bool guest_accesses_word(Vcpu& vcpu, GuestPhys address, uint64_t& word, bool write);
// The same where the hardware gives no registers: the callee has it decoded (Vcpu::decode_access()), advances or
// injects.
struct GuestFault {
  GuestPhys address;  // of the access, exact
  GuestVirt virtual_address;
  bool write;
};
void guest_undecoded_access(Vcpu& vcpu, const GuestFault& fault);
// An instruction fetch from where nothing may be executed.
void guest_fetch_fault(Vcpu& vcpu, const GuestFault& fault);

// The guest maintains caches by set and way, which reaches this CPU only, and lines of its memory may be in another since
// it moved: clean all of its memory. May take long; the callee lets others run.
void guest_maintains_by_set_way(Vcpu& vcpu);
// A walk of the guest's own tables met the second stage at `table`, to read it or to write it. True: it is memory that
// this guest may use so, whose mapping was just being changed; the guest is to try again.
[[nodiscard]] bool guest_may_walk_again(Vcpu& vcpu, GuestPhys table, bool write);

// A call to firmware or hypervisor. The return address is past the instruction already.
void guest_call(Vcpu& vcpu);
// The guest waits for an interrupt. The callee advances.
void guest_idle(Vcpu& vcpu);
// A trapped register that arch/ does not know how to answer; `id` as the ISA encodes it. False: there is no such
// register, and arch/ injects what the ISA says. arch/ advances.
[[nodiscard]] bool guest_register_read(Vcpu& vcpu, uint32_t id, uint64_t& value);
[[nodiscard]] bool guest_register_write(Vcpu& vcpu, uint32_t id, uint64_t value);

// `attention` is set, or the scheduler wants the CPU: do what is due.
void guest_attention(Vcpu& vcpu);
// The guest did what no guest can survive: stop its VM and keep the report. Does not return to the guest.
void guest_failed(Vcpu& vcpu, std::string_view reason);

// --- vmm: observed exits ------------------------------------------------------------------------------------------
//
// Around the handling of every exit of a vCPU whose observe_exits() was asked for; it may block, or change CPUs,
// between the two.

struct ExitReport {
  ExitClass exit_class;    // `device` also where there turns out to be none
  uint64_t syndrome;       // as the ISA has it
  GuestPhys address = {};  // device, memory
  bool write = false;      // device, memory
};
void exit_begins(Vcpu& vcpu, const ExitReport& report);
void exit_ends(Vcpu& vcpu);

}  // namespace hal::upcall
