// SPDX-License-Identifier: Apache-2.0
// Exceptions of the hypervisor itself. It never unmasks interrupts but for the moment of its sleep, so whatever else comes here
// is a bug of ours, or a machine error, and ends in a report. SAVE0 to SAVE2 are scratch here. The order of a HostFrame is in
// trap/exceptions.hpp.
#include <arch/layout.hpp>

#define CSR_CRMD        0x0
#define CSR_PRMD        0x1
#define CSR_ESTAT       0x5
#define CSR_ERA         0x6
#define CSR_SAVE0       0x30
#define CSR_SAVE1       0x31
#define CSR_SAVE2       0x32
#define CSR_MERRSAVE    0x95
#define CRMD_MAPPED     0xb0
#define PRMD_PIE        0x4

#define FRAME_SIZE      256
#define KIND_EXCEPTION  0
#define KIND_ERROR      1

        .section .vectors, "ax"
// EENTRY, with ECFG.VS = 0: all exceptions. It is at any distance from a stack overflow, so no stack is used yet.
        .balign 4096
        .globl  exception_vectors
exception_vectors:
        csrwr   $t0, CSR_SAVE0
        csrwr   $t1, CSR_SAVE1
        csrrd   $t0, CSR_ESTAT
        bstrpick.d $t0, $t0, 21, 16
        bnez    $t0, 1f
        // An interrupt ends the sleep of arch_idle(), wherever in there it came. It stays pending, and masked.
        csrrd   $t0, CSR_ERA
        la.pcrel $t1, idle_begin
        bltu    $t0, $t1, 1f
        la.pcrel $t1, idle_end
        bltu    $t1, $t0, 1f
        csrwr   $t1, CSR_ERA
        li.w    $t0, PRMD_PIE
        csrxchg $zero, $t0, CSR_PRMD
        csrrd   $t0, CSR_SAVE0
        csrrd   $t1, CSR_SAVE1
        ertn
1:      li.w    $t0, KIND_EXCEPTION
        b       report

        .section .text.hot, "ax"
// Sleep until an interrupt is pending that ECFG lets through. `idle` need not end by one that CRMD.IE masks (vol. 1, 4.2.8.1),
// and one that came just before must not be slept through: so they are let through here, and nowhere else, and the vector
// above returns to the end of this.
        .globl  arch_idle
arch_idle:
        li.w    $t0, 4
        csrxchg $t0, $t0, CSR_CRMD
idle_begin:
        idle    0
        li.w    $t0, 4
        csrxchg $zero, $t0, CSR_CRMD
idle_end:
        ret

        .section .text, "ax"
        .balign 4096
// MERRENTRY: direct addressing, at a physical address.
        .globl  machine_error_entry
machine_error_entry:
        csrwr   $t0, CSR_MERRSAVE
        csrwr   $t1, CSR_SAVE1
        li.d    $t0, PLINTH_CACHED_BASE
        pcaddi  $t1, 0
        bstrins.d $t0, $t1, 47, 0
        jirl    $zero, $t0, 12
        li.w    $t0, CRMD_MAPPED
        csrwr   $t0, CSR_CRMD
        csrrd   $t0, CSR_MERRSAVE
        csrwr   $t0, CSR_SAVE0
        li.w    $t0, KIND_ERROR

// t0 = kind, its own value in SAVE0, t1's in SAVE1. One CPU reports; a second one that fails meanwhile waits for the end.
report:
        csrwr   $t2, CSR_SAVE2
        la.pcrel $t1, report_claim
        amswap_db.w $t2, $t1, $t1       // any value but 0
        bnez    $t2, 9f
        la.pcrel $t1, emergency_stack_top - FRAME_SIZE
        st.d    $zero, $t1, 0
        st.d    $ra, $t1, 8
        st.d    $tp, $t1, 16
        st.d    $sp, $t1, 24
        st.d    $a0, $t1, 32
        st.d    $a1, $t1, 40
        st.d    $a2, $t1, 48
        st.d    $a3, $t1, 56
        st.d    $a4, $t1, 64
        st.d    $a5, $t1, 72
        st.d    $a6, $t1, 80
        st.d    $a7, $t1, 88
        csrrd   $t2, CSR_SAVE0
        st.d    $t2, $t1, 96
        csrrd   $t2, CSR_SAVE1
        st.d    $t2, $t1, 104
        csrrd   $t2, CSR_SAVE2
        st.d    $t2, $t1, 112
        st.d    $t3, $t1, 120
        st.d    $t4, $t1, 128
        st.d    $t5, $t1, 136
        st.d    $t6, $t1, 144
        st.d    $t7, $t1, 152
        st.d    $t8, $t1, 160
        st.d    $r21, $t1, 168
        st.d    $fp, $t1, 176
        st.d    $s0, $t1, 184
        st.d    $s1, $t1, 192
        st.d    $s2, $t1, 200
        st.d    $s3, $t1, 208
        st.d    $s4, $t1, 216
        st.d    $s5, $t1, 224
        st.d    $s6, $t1, 232
        st.d    $s7, $t1, 240
        st.d    $s8, $t1, 248
        move    $sp, $t1
        move    $a0, $t1
        move    $a1, $t0
        move    $fp, $zero
        bl      host_exception
9:      idle    0
        b       9b

        .bss
        .balign 16
emergency_stack:
        .space  8192
emergency_stack_top:
        // Not 0 once a CPU has taken the emergency stack.
        .balign 4
report_claim:
        .space  4
