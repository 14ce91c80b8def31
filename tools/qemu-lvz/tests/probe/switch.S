// SPDX-License-Identifier: GPL-2.0-or-later
//
// The way into a guest, the ways out of it, and the host's own traps (reference 5.2 to 5.6).

#include "layout.h"

.macro for_callee_saved op
    \op     $ra, $sp, 0
    \op     $tp, $sp, 8
    \op     $r21, $sp, 16
    \op     $fp, $sp, 24
    \op     $s0, $sp, 32
    \op     $s1, $sp, 40
    \op     $s2, $sp, 48
    \op     $s3, $sp, 56
    \op     $s4, $sp, 64
    \op     $s5, $sp, 72
    \op     $s6, $sp, 80
    \op     $s7, $sp, 88
    \op     $s8, $sp, 96
.endm

    .text
// void enter_guest(): ERA, PRMD, PGDL, GTLBC, GSTAT and EENTRY are set; returns after the exit.
    .globl  enter_guest
enter_guest:
    addi.d  $sp, $sp, -112
    for_callee_saved st.d
    csrrd   $r31, SAVE_CPU
    st.d    $sp, $r31, CPU_HOST_SP
    .irp r, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld.d    $r\r, $r31, CPU_GPR + 8 * \r
    .endr
    ld.d    $r31, $r31, CPU_GPR + 8 * 31
    ertn

// One slot of 16 bytes (ECFG.VS = 2) per exception code and interrupt; with VS = 0 everything arrives at slot 0.
    .p2align 12
    .globl  exit_vectors
exit_vectors:
    .set    slot, 0
    .rept   128
    csrwr   $t0, SAVE_SCRATCH
    li.w    $t0, slot
    b       guest_exit
    nop
    .set    slot, slot + 1
    .endr

guest_exit:
    csrwr   $r31, SAVE_SCRATCH2
    csrrd   $r31, SAVE_CPU
    st.d    $t0, $r31, CPU_SLOT
    csrrd   $t0, SAVE_SCRATCH
leave_guest:                            // r31 = Cpu, the guest's own r31 in SAVE_SCRATCH2
    .irp r, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    st.d    $r\r, $r31, CPU_GPR + 8 * \r
    .endr
    csrrd   $t0, SAVE_SCRATCH2
    st.d    $t0, $r31, CPU_GPR + 8 * 31
    ld.d    $sp, $r31, CPU_HOST_SP
    for_callee_saved ld.d
    addi.d  $sp, $sp, 112
    ret

// Host TLB refill, entered in direct mode: records what it sees, then walks (4 levels of 4 KiB tables).
    .p2align 12
    .globl  host_refill
host_refill:
    csrwr   $t0, 0x8B
    csrwr   $t1, SAVE_SCRATCH
    csrrd   $t1, SAVE_CPU               // direct mode drops the window bits
    bstrpick.d $t1, $t1, 47, 0
    ld.d    $t0, $t1, CPU_REFILLS
    addi.d  $t0, $t0, 1
    st.d    $t0, $t1, CPU_REFILLS
    csrrd   $t0, 0x89
    st.d    $t0, $t1, CPU_REFILL_BADV
    csrrd   $t0, 0x8A
    st.d    $t0, $t1, CPU_REFILL_ERA
    csrrd   $t0, 0x8E
    st.d    $t0, $t1, CPU_REFILL_EHI
    csrrd   $t0, 0x8F
    st.d    $t0, $t1, CPU_REFILL_PRMD
    csrrd   $t0, 0x0
    st.d    $t0, $t1, CPU_REFILL_CRMD
    csrrd   $t0, 0x50
    st.d    $t0, $t1, CPU_REFILL_GSTAT
    csrrd   $t0, 0x5
    st.d    $t0, $t1, CPU_REFILL_ESTAT
    ld.d    $t0, $t1, CPU_REFILL_BECOMES_EXIT
    bnez    $t0, refill_exit
    csrrd   $t0, 0x1B
    lddir   $t0, $t0, 3
    lddir   $t0, $t0, 2
    lddir   $t0, $t0, 1
    ldpte   $t0, 0
    ldpte   $t0, 1
    tlbfill
    csrrd   $t1, SAVE_SCRATCH
    csrrd   $t0, 0x8B
    ertn

// Reference 5.6: forget the refill, go to the window first, only then leave direct mode.
refill_exit:
    csrrd   $t1, SAVE_SCRATCH
    csrrd   $t0, 0x8B
    csrwr   $r31, SAVE_SCRATCH2
    csrwr   $t0, SAVE_SCRATCH
    csrrd   $r31, 0x8A
    bstrins.d $r31, $zero, 0, 0         // TLBRERA.ISTLBR = 0
    csrwr   $r31, 0x8A
    csrrd   $r31, 0x8F
    bstrins.d $r31, $zero, 3, 3         // TLBRPRMD.PGM = 0
    csrwr   $r31, 0x8F
    la.pcrel $r31, 1f
    li.d    $t0, CACHED_WINDOW
    or      $r31, $r31, $t0
    jr      $r31
1:  li.w    $t0, 0xB0
    csrwr   $t0, 0x0
    csrrd   $r31, SAVE_CPU
    li.w    $t0, -1                     // no slot: it came from a refill
    st.d    $t0, $r31, CPU_SLOT
    csrrd   $t0, SAVE_SCRATCH
    b       leave_guest

// void try_enter(): run CPU_TRY_PC at CPU_TRY_PLV with a0, a1; any exception of the host returns.
    .globl  try_enter
try_enter:
    addi.d  $sp, $sp, -112
    for_callee_saved st.d
    csrrd   $t0, SAVE_CPU
    st.d    $sp, $t0, CPU_HOST_SP
    ld.d    $a0, $t0, CPU_TRY_PC
    csrwr   $a0, 0x6
    ld.d    $a0, $t0, CPU_TRY_PLV
    csrwr   $a0, 0x1
    ld.d    $a0, $t0, CPU_TRY_A0
    ld.d    $a1, $t0, CPU_TRY_A1
    ertn

    .p2align 12
    .globl  host_trap
host_trap:
    csrwr   $t0, SAVE_SCRATCH
    csrrd   $t0, SAVE_CPU
    st.d    $a0, $t0, CPU_TRY_A0
    st.d    $a1, $t0, CPU_TRY_A1
    ld.d    $sp, $t0, CPU_HOST_SP
    beqz    $sp, 1f
    st.d    $zero, $t0, CPU_HOST_SP
    for_callee_saved ld.d
    addi.d  $sp, $sp, 112
    ret
1:  la.pcrel $sp, cpus                  // a bug of the probe itself: report on an empty stack
    bl      unexpected_host_trap
