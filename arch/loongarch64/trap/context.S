// SPDX-License-Identifier: Apache-2.0
// Switching between tasks: a plain function call as far as the compiler knows, so only what the psABI lets a function rely on
// is kept: ra, fp, s0-s8 and sp. FP registers belong to guests and move with their vCPU.
        .section .text.hot, "ax"

        .globl  arch_switch_context
// a0 = where to leave this task's SP, a1 = where the other's is.
arch_switch_context:
        addi.d  $sp, $sp, -96
        st.d    $ra, $sp, 0
        st.d    $fp, $sp, 8
        st.d    $s0, $sp, 16
        st.d    $s1, $sp, 24
        st.d    $s2, $sp, 32
        st.d    $s3, $sp, 40
        st.d    $s4, $sp, 48
        st.d    $s5, $sp, 56
        st.d    $s6, $sp, 64
        st.d    $s7, $sp, 72
        st.d    $s8, $sp, 80
        st.d    $sp, $a0, 0
        ld.d    $sp, $a1, 0
        ld.d    $ra, $sp, 0
        ld.d    $fp, $sp, 8
        ld.d    $s0, $sp, 16
        ld.d    $s1, $sp, 24
        ld.d    $s2, $sp, 32
        ld.d    $s3, $sp, 40
        ld.d    $s4, $sp, 48
        ld.d    $s5, $sp, 56
        ld.d    $s6, $sp, 64
        ld.d    $s7, $sp, 72
        ld.d    $s8, $sp, 80
        addi.d  $sp, $sp, 96
        ret

        .globl  arch_start_task
// The first switch to a task returns here: s0 = entry, s1 = argument.
arch_start_task:
        move    $fp, $zero
        move    $ra, $zero
        move    $a0, $s1
        jr      $s0
