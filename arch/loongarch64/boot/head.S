// SPDX-License-Identifier: Apache-2.0
// Entry from a boot loader that starts Linux kernels (Linux, Documentation/arch/loongarch/booting): direct addresses (or the
// loader's own translation of them), PLV0; a0 = the rest is given by an EFI system table, a1 = physical address of the command
// line, a2 = physical address of the system table. Or from EFI firmware, which takes the same file for an application: then
// efi_entry comes first. Ends in boot_main() in the cached window, on the boot stack.
#include <arch/layout.hpp>

#include "hal/efi/pe_header.hpp"

#define CSR_CRMD        0x0
#define CSR_PRMD        0x1
#define CSR_EUEN        0x2
#define CSR_ECFG        0x4
#define CSR_TCFG        0x41
#define CSR_DMW0        0x180
#define CSR_DMW1        0x181
#define CSR_DMW2        0x182
#define CSR_DMW3        0x183

// PLV0, interrupts masked, mapped addresses; what is neither in a window nor in a table would be cached (DATF, DATM).
#define CRMD_MAPPED     0xb0

#define LINUX_PE_MAGIC  0x818223cd

// Into the cached window, from direct addresses or the loader's translation. Clobbers t0, t1.
.macro  enter_window
        csrwr   $zero, CSR_ECFG
        li.d    $t0, PLINTH_UNCACHED_WINDOW
        csrwr   $t0, CSR_DMW0
        li.d    $t0, PLINTH_CACHED_WINDOW
        csrwr   $t0, CSR_DMW1
        // Direct addressing drops the upper bits, so the jump may come before the switch; the other order fetches from nowhere.
        li.d    $t0, PLINTH_CACHED_BASE
        pcaddi  $t1, 0
        bstrins.d $t0, $t1, 47, 0
        jirl    $zero, $t0, 12
        li.w    $t0, CRMD_MAPPED
        csrwr   $t0, CSR_CRMD
        csrwr   $zero, CSR_PRMD
        csrwr   $zero, CSR_EUEN
        csrwr   $zero, CSR_TCFG
        csrwr   $zero, CSR_DMW2
        csrwr   $zero, CSR_DMW3
.endm

        .section .head, "ax"
        // Linux, Documentation/arch/loongarch/booting: for loaders that place the image and jump to the entry.
        .short  0x5a4d                  // "MZ"
        .short  0
        .long   0
        .quad   PLINTH_LOAD_PLACE + boot_entry_offset
        .quad   image_size              // with what is not in the file
        .quad   PLINTH_LOAD_PLACE
        .quad   0, 0, 0
        .long   LINUX_PE_MAGIC
        .long   pe_start                // where EFI looks for it
        .globl  pe_header_start
pe_header_start:
        pe_header PE_MACHINE_LOONGARCH64

        .section .boot_text, "ax"
        .globl  boot_entry
boot_entry:
        move    $s2, $zero
        b       1f
        // As the EFI part comes: a0 = physical address of a hal::efi::HandOver.
        .globl  boot_with_hand_over
boot_with_hand_over:
        move    $s2, $a0
1:      enter_window
        la.pcrel $t0, bss_start
        la.pcrel $t1, bss_end
0:      st.d    $zero, $t0, 0
        st.d    $zero, $t0, 8
        addi.d  $t0, $t0, 16
        bltu    $t0, $t1, 0b
        la.pcrel $sp, boot_stack_top
        move    $fp, $zero
        move    $ra, $zero
        // The canary must be there before the first protected function. The counter is what differs from boot to boot so early.
        rdtime.d $t0, $zero
        rotri.d $t1, $t0, 17
        xor     $t0, $t0, $t1
        slli.d  $t1, $t0, 29
        xor     $t0, $t0, $t1
        bstrins.d $t0, $zero, 7, 0      // a zero byte ends string overruns
        la.pcrel $t1, __stack_chk_guard
        st.d    $t0, $t1, 0
        move    $s0, $a1
        move    $s1, $a2
        move    $a0, $zero
        bl      arch_mmu_join_cpu
        move    $a0, $s0
        move    $a1, $s1
        move    $a2, $s2
        b       boot_main

// A CPU that a message in its mailbox started: direct addresses, interrupts masked. All else is in `secondary_boot`.
        .globl  secondary_entry
secondary_entry:
        enter_window
        la.pcrel $t2, secondary_boot
        ld.d    $a0, $t2, 8             // its number
        bl      arch_mmu_join_cpu       // the stack is in the tables
        la.pcrel $t2, secondary_boot
        ld.d    $sp, $t2, 0
        ld.d    $a0, $t2, 8
        move    $fp, $zero
        move    $ra, $zero
        b       secondary_main

        .section .bss.__stack_chk_guard, "aw", %nobits
        .balign 8
        .globl  __stack_chk_guard
__stack_chk_guard:
        .skip   8
