// SPDX-License-Identifier: Apache-2.0
#pragma once

// The board that a guest sees: its interrupt controller, devices and firmware. One folder per architecture, chosen by
// the build, each with a class vmm::Board of this shape:
//
//     isa                       the GuestIsa whose images it starts
//     static Result<Owned<Board>, VmError> create(Vm&);   devices join the VM's bus
//     load(i), save(i)          vCPU i takes or gives away the CPU (after, before hal::Vcpu::load(), save())
//     needs_flush(i), flush(i)  before each entry into the guest
//     has_pending(i)            would an interrupt end WFI now?
//     reset()                   everything to power-on; no vCPU is loaded
//     boot(start)               the primary vCPU gets its first start
//     take_start(i)             the hal::StartState that vCPU i was given since it was last asked
//     reset_vcpu(i)
//     pause(), resume(passed)   the VM is suspended; its clock, Vm::clock(), already and again
//     timer_would_wake(i)       would the interrupt of vCPU i's own timer end its WFI?
//     answer_at_once(vcpu)      a call that needs nothing of the VM
//     call(vcpu), register_read(...), register_write(...)
//     description()             the map by which configuration is checked and RAM is laid out
//     describe(...)             the guest's device tree
//     injected(i)               interrupts given to vCPU i so far
//     report(sink)              the interrupt controller's state, for post-mortems
#include <board/board.hpp>  // vmm/<architecture>/board/
