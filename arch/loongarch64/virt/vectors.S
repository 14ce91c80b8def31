// SPDX-License-Identifier: Apache-2.0
// Floating-point and vector registers of a guest, 32 bytes each at a0 (GuestVectors in <arch/vcpu.hpp>), then FCC0 to FCC7, a
// byte each, then FCSR0. One pair of functions for each width a machine may have; the wider registers contain the narrower.

.macro  for_each_register op, prefix
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        \op     $\prefix\n, $a0, 32 * \n
        .endr
.endm

.macro  save_conditions
        .irp    n, 0,1,2,3,4,5,6,7
        movcf2gr $t0, $fcc\n
        st.b    $t0, $a0, 1024 + \n
        .endr
        movfcsr2gr $t0, $fcsr0
        st.d    $t0, $a0, 1032
        ret
.endm

.macro  load_conditions
        .irp    n, 0,1,2,3,4,5,6,7
        ld.b    $t0, $a0, 1024 + \n
        movgr2cf $fcc\n, $t0
        .endr
        ld.d    $t0, $a0, 1032
        movgr2fcsr $fcsr0, $t0
        ret
.endm

        .text
        .globl  save_lasx, load_lasx, save_lsx, load_lsx, save_fp, load_fp
save_lasx:
        for_each_register xvst, xr
        save_conditions
load_lasx:
        for_each_register xvld, xr
        load_conditions
save_lsx:
        for_each_register vst, vr
        save_conditions
load_lsx:
        for_each_register vld, vr
        load_conditions
save_fp:
        for_each_register fst.d, f
        save_conditions
load_fp:
        for_each_register fld.d, f
        load_conditions
