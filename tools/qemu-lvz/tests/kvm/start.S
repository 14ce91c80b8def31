// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entry of the process, threads, and the guest's image.

    .text
    .globl  _start
_start:
    move    $a0, $sp
    bstrins.d $sp, $zero, 3, 0
    bl      program
    break   0

// long clone_thread(flags, stack, entry, argument, child_tid)
    .globl  clone_thread
clone_thread:
    st.d    $a2, $a1, -16
    st.d    $a3, $a1, -8
    addi.d  $a1, $a1, -16
    move    $a2, $zero
    move    $a3, $a4
    move    $a4, $zero
    li.w    $a7, 220                    // clone
    syscall 0
    beqz    $a0, 1f
    ret
1:  ld.d    $t0, $sp, 0
    ld.d    $a0, $sp, 8
    move    $fp, $zero
    jirl    $ra, $t0, 0
    move    $a0, $zero
    li.w    $a7, 93                     // exit: this thread only
    syscall 0

// Where the second vCPU of the Linux guest waits for its start address in mailbox 0 (reference 9.2); copied to the guest.
    .section .rodata
    .globl  secondary_stub
    .globl  secondary_stub_end
    .p2align 3
secondary_stub:
    li.w    $t0, 0x1004                 // enable every IPI vector
    li.w    $t1, -1
    iocsrwr.w $t1, $t0
    li.w    $t0, 0x1020
0:  idle    0
    iocsrrd.d $t1, $t0
    beqz    $t1, 0b
    li.w    $t0, 0x100C                 // acknowledge
    li.w    $t2, -1
    iocsrwr.w $t2, $t0
    jr      $t1
secondary_stub_end:

    .text
// Vector registers the program keeps busy while guests use theirs.
    .globl  fill_own_vectors
fill_own_vectors:
    .irp r, 0,5,10,15,20,25,30
    xvreplgr2vr.d $xr\r, $a0
    .endr
    ret
    .globl  own_vectors_hold
own_vectors_hold:                       // 1 when all still hold a0
    move    $t1, $a0
    li.w    $a0, 1
    .irp r, 0,5,10,15,20,25,30
    xvpickve2gr.d $t0, $xr\r, 3
    beq     $t0, $t1, 1f
    move    $a0, $zero
1:  vpickve2gr.d $t0, $vr\r, 0
    beq     $t0, $t1, 1f
    move    $a0, $zero
1:
    .endr
    ret
