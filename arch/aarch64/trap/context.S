// SPDX-License-Identifier: Apache-2.0
// Switching between tasks: a plain function call as far as the compiler knows, so only what AAPCS64 (6.1.1) lets a function
// rely on is kept: x19-x30 and SP. FP registers belong to guests and move with their vCPU.
        .section .text.hot, "ax"

        .globl  arch_switch_context
// x0 = where to leave this task's SP, x1 = where the other's is.
arch_switch_context:
        hint    #34                     // BTI c
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        mov     x2, sp
        str     x2, [x0]
        ldr     x2, [x1]
        mov     sp, x2
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

        .globl  arch_start_task
// The first switch to a task returns here: x19 = entry, x20 = argument.
arch_start_task:
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x20
        mov     x16, x19                // BR by x16 may land on the BTI c of a function
        br      x16
