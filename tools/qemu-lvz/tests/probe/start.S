// SPDX-License-Identifier: GPL-2.0-or-later
//
// From QEMU's direct-mode entry to C++ in the cached window, for the boot CPU and for one secondary.

#include "layout.h"

    .section .text.start, "ax"
    .globl  _start
// a0 = 1, a1 = physical command line (reference 9.2).
_start:
    move    $s0, $a1
    li.w    $s1, 0                      // CPU 0
    b       enter_windows

// The secondary arrives here in direct mode through mailbox 0.
    .globl  secondary_start
secondary_start:
    li.w    $s1, 1

enter_windows:
    li.d    $t0, DMW_UNCACHED
    csrwr   $t0, 0x180
    li.d    $t0, DMW_CACHED
    csrwr   $t0, 0x181
    csrwr   $zero, 0x182
    csrwr   $zero, 0x183
    // Direct mode truncates addresses: jump to the window's alias first, only then leave direct mode.
    la.pcrel $t1, in_window
    li.d    $t2, CACHED_WINDOW
    or      $t1, $t1, $t2
    jr      $t1
in_window:
    li.w    $t0, 0xB0                   // PG=1, DA=0, both MATs cached, PLV0, IE=0
    csrwr   $t0, 0x0
    csrwr   $zero, 0x1                  // PRMD
    csrwr   $zero, 0x4                  // ECFG: nothing enabled
    csrwr   $zero, 0x41                 // host timer off
    la.pcrel $t0, stacks
    addi.d  $t1, $s1, 1
    slli.d  $t1, $t1, STACK_SHIFT
    add.d   $sp, $t0, $t1
    la.pcrel $t0, cpus                  // this CPU's Cpu
    li.w    $t1, CPU_SIZE
    mul.d   $t1, $t1, $s1
    add.d   $t0, $t0, $t1
    csrwr   $t0, SAVE_CPU
    bnez    $s1, 1f
    la.pcrel $t0, bss_start
    la.pcrel $t1, bss_end
0:  st.d    $zero, $t0, 0
    addi.d  $t0, $t0, 8
    bltu    $t0, $t1, 0b
    move    $a0, $s0
    bl      probe_main
1:  bl      probe_secondary
2:  idle    0
    b       2b

    .data                               // not in .bss: in use while .bss is cleared
    .p2align 12
stacks:
    .fill   2 << STACK_SHIFT, 1, 0
    .globl  cpus
    .p2align 6
cpus:
    .fill   2 * CPU_SIZE, 1, 0
