// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the assembler makes of the mnemonics insn.hpp encodes, in the order of test_encodings.cpp.
// LLVM 19 has no mnemonic for gtlbclr, gtlbsrch, gtlbrd, gtlbwr and gtlbfill.

    .section .rodata
    .globl  assembled
    .p2align 3
assembled:
    nop
    ibar    0
    add.d   $a0, $a1, $t0
    or      $a0, $a1, $t0
    and     $a0, $a1, $t0
    addi.d  $s8, $ra, -7
    ori     $a0, $a1, 0x7ff
    ld.b    $a0, $a1, -4
    ld.h    $a0, $a1, -4
    ld.w    $a0, $a1, -4
    ld.d    $a0, $a1, 8
    st.b    $a0, $a1, 8
    st.h    $a0, $a1, 8
    st.w    $a0, $a1, 8
    st.d    $a0, $a1, 8
    ld.bu   $a0, $a1, 8
    ld.hu   $a0, $a1, 8
    ld.wu   $a0, $a1, 8
    ll.d    $a0, $a1, 16
    sc.d    $a0, $a1, -16
    ldptr.d $a0, $a1, 16
    stptr.d $a0, $a1, 16
    ldx.d   $a0, $a1, $t0
    stx.d   $a0, $a1, $t0
    amadd_db.d $a0, $a1, $t0
    bnez    $t0, -8
    beqz    $t0, 12
    bltu    $t0, $a0, -4
    b       -4
    jirl    $ra, $t0, 0
    syscall 3
    break   4
    hvcl    0x7fff
    csrrd   $a0, 0x50
    csrwr   $a0, 0x502
    csrxchg $a0, $t0, 0x5
    gcsrrd  $a0, 0x50
    gcsrwr  $a0, 0x183
    gcsrxchg $a0, $t0, 0x5
    cpucfg  $a0, $a1
    rdtimel.w $a0, $a1
    rdtimeh.w $a0, $a1
    rdtime.d  $a0, $a1
    iocsrrd.b $a0, $a1
    iocsrrd.h $a0, $a1
    iocsrrd.w $a0, $a1
    iocsrrd.d $a0, $a1
    iocsrwr.b $a0, $a1
    iocsrwr.h $a0, $a1
    iocsrwr.w $a0, $a1
    iocsrwr.d $a0, $a1
    cacop   9, $a1, 32
    idle    0
    ertn
    tlbclr
    tlbflush
    gtlbflush
    tlbsrch
    tlbrd
    tlbwr
    tlbfill
    invtlb  0x16, $a0, $a1
    lddir   $a0, $a1, 3
    ldpte   $a0, 1
    fadd.d  $f0, $f0, $f0
    fdiv.d  $f0, $f1, $f2
    movgr2fr.d $f3, $a0
    movfr2gr.d $a0, $f3
    movgr2fcsr $fcsr0, $a0
    vld     $vr1, $a0, 16
    vst     $vr1, $a0, 16
    xvld    $xr1, $a0, 32
    xvst    $xr1, $a0, 32
    .globl  assembled_end
assembled_end:
