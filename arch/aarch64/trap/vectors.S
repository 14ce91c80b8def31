// SPDX-License-Identifier: Apache-2.0
// The EL2 vector table (D1.3.1). Exceptions from a guest push a GuestFrame and call C++; those from EL2 itself are bugs of ours
// and end in a report. The hypervisor never unmasks IRQ or FIQ, so only SError and synchronous exceptions can come from EL2.
//
// In a guest SP_EL2 points at the frame of the vCPU that runs (<arch/vcpu.hpp>), whose offsets are these:
#define FRAME_X30_ZERO  240
#define FRAME_PC_PSTATE 256
#define FRAME_VCPU      272
#define FRAME_POINTS    288
// Numbers of exit points, 16 bytes each: handler and count.
#define POINT_INTERRUPT         0
#define POINT_SYSTEM_ERROR      1
#define POINT_ATTENTION         2
#define POINT_SYNCHRONOUS       3
// <task/cpu.hpp>: the word at offset 0 of the per-CPU data says that the scheduler wants the CPU.
#define CPU_RESCHEDULE  0
#define VCPU_ATTENTION  0

.macro  save_guest
        stp     x0, x1, [sp, #0]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        mrs     x1, elr_el2
        mrs     x2, spsr_el2
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        stp     x30, xzr, [sp, #FRAME_X30_ZERO]
        stp     x1, x2, [sp, #FRAME_PC_PSTATE]
.endm

// Count an exit and go to its handler. `base` is SP, or SP and 16 bytes for each point to skip. x1 = ESR_EL2, if that matters.
.macro  take_exit base, point
        ldp     x16, x3, [\base, #FRAME_POINTS + 16 * \point]
        mov     x0, sp
        mov     x29, xzr
        add     x3, x3, #1
        str     x3, [\base, #FRAME_POINTS + 16 * \point + 8]
        adr     x30, guest_return
        br      x16                     // by x16 or x17 a BR may land on the BTI c of a function
.endm

// A synchronous exception from a guest goes to the handler of its class, ESR_EL2.EC.
.macro  guest_synchronous
        .balign 128
        save_guest
        mrs     x1, esr_el2
        lsr     w2, w1, #26
        add     x2, sp, x2, lsl #4
        take_exit x2, POINT_SYNCHRONOUS
.endm

.macro  guest_asynchronous point
        .balign 128
        save_guest
        take_exit sp, \point
.endm

// Free x0 and x1 for host_exception_taken, which cannot trust the stack: SP goes to CNTHP_CVAL_EL2 (the hypervisor's timer no
// longer matters), x0 and x1 to registers of the guest that this CPU will not enter again.
.macro  host_exception kind
        .balign 128
        msr     tpidr_el0, x0
        msr     tpidrro_el0, x1
        mov     x0, sp
        msr     cnthp_cval_el2, x0
        mov     x0, #\kind
        b       host_exception_taken
.endm

// Also the end of an SError that a guest left behind, which arch_take_system_error takes in its two instructions.
.macro  host_system_error
        .balign 128
        msr     tpidr_el0, x0
        msr     tpidrro_el0, x1
        mrs     x0, elr_el2
        adr     x1, system_error_taken
        sub     x0, x0, x1
        cmp     x0, #4
        mrs     x0, esr_el2
        b.hi    1f
        eret
1:      mov     x0, sp
        msr     cnthp_cval_el2, x0
        mov     x0, #7
        b       host_exception_taken
.endm

        .section .vectors, "ax"
        .globl  exception_vectors
        .balign 2048
exception_vectors:
        // From EL2 with SP_EL0, which the hypervisor never selects.
        host_exception 0
        host_exception 1
        host_exception 2
        host_exception 3
        // From EL2 itself.
        host_exception 4
        host_exception 5
        host_exception 6
        host_system_error
        // From a guest in AArch64 state.
        guest_synchronous
        guest_asynchronous POINT_INTERRUPT
        guest_asynchronous POINT_INTERRUPT
        guest_asynchronous POINT_SYSTEM_ERROR
        // From a guest's EL0 in AArch32 state.
        guest_synchronous
        guest_asynchronous POINT_INTERRUPT
        guest_asynchronous POINT_INTERRUPT
        guest_asynchronous POINT_SYSTEM_ERROR
        .balign 128

        .section .text.hot, "ax"
// Every way back into a guest passes here, SP at the frame. Handlers return to it, which asks for no BTI.
        .globl  guest_return
guest_return:
        mrs     x0, tpidr_el2
        ldr     x1, [sp, #FRAME_VCPU]
        ldr     w2, [x0, #CPU_RESCHEDULE]
        ldr     w3, [x1, #VCPU_ATTENTION]
        orr     w2, w2, w3
        cbnz    w2, 1f
        ldr     x30, [sp, #FRAME_X30_ZERO]
        ldp     x1, x2, [sp, #FRAME_PC_PSTATE]
        ldp     x28, x29, [sp, #224]
        ldp     x26, x27, [sp, #208]
        ldp     x24, x25, [sp, #192]
        ldp     x22, x23, [sp, #176]
        ldp     x20, x21, [sp, #160]
        ldp     x18, x19, [sp, #144]
        ldp     x16, x17, [sp, #128]
        ldp     x14, x15, [sp, #112]
        ldp     x12, x13, [sp, #96]
        ldp     x10, x11, [sp, #80]
        ldp     x8, x9, [sp, #64]
        msr     elr_el2, x1
        msr     spsr_el2, x2
        ldp     x6, x7, [sp, #48]
        ldp     x4, x5, [sp, #32]
        ldp     x2, x3, [sp, #16]
        ldp     x0, x1, [sp, #0]
        eret
        // Nothing may be executed speculatively past the return (Cortex-A erratum class "straight-line speculation").
        dsb     nsh
        isb

        // Rare: the scheduler or another CPU wants something of this vCPU. It may come back on another CPU.
1:      take_exit sp, POINT_ATTENTION

        .globl  arch_take_system_error
// The syndrome of the SError that is pending, once it was taken. A context synchronization event is when one that has become
// unmasked is taken (D1.3.7). Destroys TPIDR_EL0 and TPIDRRO_EL0.
arch_take_system_error:
        hint    #34                     // BTI c
        mov     x0, xzr
        msr     daifclr, #4
system_error_taken:
        isb
        msr     daifset, #4
        ret

        .globl  enter_guest_at
// x0 = frame. Leaves the caller's stack frames behind.
enter_guest_at:
        hint    #34                     // BTI c
        mov     sp, x0
        b       guest_return

// x0 = kind. One CPU reports; a second one that fails meanwhile waits for the end.
host_exception_taken:
        adrp    x1, host_exception_claim
        add     x1, x1, :lo12:host_exception_claim
        mov     sp, x0                  // keeps the kind
0:      ldaxr   w0, [x1]
        cbz     w0, 9f
        stlxr   w0, wzr, [x1]
        cbnz    w0, 0b
        mov     x0, sp
        adrp    x1, emergency_stack_top
        add     x1, x1, :lo12:emergency_stack_top
        mov     sp, x1
        sub     sp, sp, #FRAME_POINTS
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        stp     x30, xzr, [sp, #FRAME_X30_ZERO]
        mrs     x2, elr_el2
        mrs     x3, spsr_el2
        stp     x2, x3, [sp, #FRAME_PC_PSTATE]
        mrs     x2, cnthp_cval_el2
        str     x2, [sp, #FRAME_VCPU]
        mrs     x2, tpidr_el0
        mrs     x3, tpidrro_el0
        stp     x2, x3, [sp, #0]
        mov     x1, x0                  // kind
        mov     x0, sp
        bl      host_exception
9:      wfe
        b       9b

        .bss
        .balign 16
emergency_stack:
        .space  4096
emergency_stack_top:

        .data
        .balign 4
// 1 until a CPU has taken the emergency stack.
host_exception_claim:
        .word   1
