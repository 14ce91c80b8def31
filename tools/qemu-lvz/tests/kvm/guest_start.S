// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest under KVM: entry in direct mode with the vCPU's number in a0, exception and refill vectors.

    .section .text.start, "ax"
    .globl  guest_start
guest_start:
    li.d    $t0, 0x8000000000000001
    csrwr   $t0, 0x180
    li.d    $t0, 0x9000000000000019         // open to PLV3: the user part runs in the window
    csrwr   $t0, 0x181
    la.pcrel $t1, in_window
    li.d    $t2, 0x9000000000000000
    or      $t1, $t1, $t2
    jr      $t1
in_window:
    li.w    $t0, 0xB0
    csrwr   $t0, 0x0
    csrwr   $a0, 0x30                       // SAVE0: number; csrwr returns the old value
    csrrd   $a0, 0x30
    la.pcrel $t0, exception_entry
    csrwr   $t0, 0xC
    la.pcrel $t0, refill_entry
    li.d    $t1, 0xFFFFFFFFFFFF
    and     $t0, $t0, $t1
    csrwr   $t0, 0x88
    li.d    $sp, 0x9000000000210000         // protocol::stacks_at, 64 KiB each
    slli.d  $t0, $a0, 16
    add.d   $sp, $sp, $t0
    bl      guest_main
0:  idle    0
    b       0b

    .p2align 12
refill_entry:                               // 16 KiB pages, three levels
    csrwr   $t0, 0x8B
    csrrd   $t0, 0x1B
    lddir   $t0, $t0, 3
    lddir   $t0, $t0, 1
    ldpte   $t0, 0
    ldpte   $t0, 1
    tlbfill
    csrrd   $t0, 0x8B
    ertn

    .p2align 12
exception_entry:                            // everything: caller-saved registers to the stack, then C++
    csrwr   $t0, 0x31
    csrrd   $t0, 0x30
    slli.d  $t0, $t0, 16
    csrwr   $t1, 0x32
    li.d    $t1, 0x9000000000208000         // lower half of this vCPU's stack
    add.d   $t0, $t0, $t1
    csrrd   $t1, 0x32
    addi.d  $t0, $t0, -256
    .irp r, 1,2,3,4,5,6,7,8,9,10,11,13,14,15,16,17,18,19,20,21,22
    st.d    $r\r, $t0, 8 * \r
    .endr
    move    $sp, $t0
    csrrd   $t1, 0x31
    st.d    $t1, $sp, 8 * 12
    bl      guest_exception
    .irp r, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22
    ld.d    $r\r, $sp, 8 * \r
    .endr
    ld.d    $sp, $sp, 8 * 3
    ertn

    .text
// void visit_user(): a system call from PLV3; the handler comes back here at PLV0.
    .globl  visit_user
visit_user:
    csrrd   $t0, 0x0
    andi    $t0, $t0, 4                     // keep IE
    ori     $t0, $t0, 3
    csrwr   $t0, 0x1
    la.pcrel $t0, 1f
    csrwr   $t0, 0x6
    ertn
1:  syscall 0                               // at PLV3
    ret                                     // at PLV0 again

// void idle_while_equal(const volatile u64 *counter, u64 value): sleeps until an interrupt's handler has changed the
// counter; leaves interrupts enabled. One that comes in front of `idle` starts it again (guest.cpp).
    .globl  idle_while_equal, idle_while_equal_idled
idle_while_equal:
    ori     $t1, $zero, 4               // CRMD.IE
    move    $t0, $zero
    csrxchg $t0, $t1, 0x0
    ld.d    $t0, $a0, 0
    move    $t2, $t1
    bne     $t0, $a1, 1f
    csrxchg $t2, $t1, 0x0               // what has been pending comes now
    idle    0
idle_while_equal_idled:
    b       idle_while_equal
1:  csrxchg $t2, $t1, 0x0
    ret

// void load_vectors(const void *pattern), void store_vectors(void *to): 32 LASX registers.
    .globl  load_vectors
load_vectors:
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    xvld    $xr\r, $a0, 32 * \r
    .endr
    ret
    .globl  store_vectors
store_vectors:
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    xvst    $xr\r, $a0, 32 * \r
    .endr
    ret

// double-precision sum 1 + 2 + ... + a0, as an integer
    .globl  sum_in_floating_point
sum_in_floating_point:
    movgr2fr.d $fa0, $zero
0:  movgr2fr.d $fa1, $a0
    ffint.d.l $fa1, $fa1
    fadd.d  $fa0, $fa0, $fa1
    addi.d  $a0, $a0, -1
    bnez    $a0, 0b
    ftintrz.l.d $fa0, $fa0
    movfr2gr.d $a0, $fa0
    ret

// u64 sum_in_lsx(const u64 *words, u64 pairs): sum of both lanes
    .globl  sum_in_lsx
sum_in_lsx:
    vreplgr2vr.d $vr0, $zero
0:  vld     $vr1, $a0, 0
    vadd.d  $vr0, $vr0, $vr1
    addi.d  $a0, $a0, 16
    addi.d  $a1, $a1, -1
    bnez    $a1, 0b
    vpickve2gr.d $a0, $vr0, 0
    vpickve2gr.d $a1, $vr0, 1
    add.d   $a0, $a0, $a1
    ret
