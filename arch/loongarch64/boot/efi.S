// SPDX-License-Identifier: Apache-2.0
// To and from the EFI part (UEFI 2.10, 2.3.8: PLV0, physical memory one to one). This code runs in the image as firmware
// loaded it.
#include <arch/layout.hpp>

#define CSR_ECFG        0x4
#define CSR_DMW1        0x181

        .section .text.efi, "ax"
// a0 = image handle, a1 = system table. Returns a status if firmware is to go on.
        .globl  efi_entry
efi_entry:
        la.pcrel $a2, image_start
        la.pcrel $a3, image_file_end
        la.pcrel $a4, relocations
        la.pcrel $a5, relocations_end
        b       efi_main

// a0 = physical address of the hal::efi::HandOver, a1 = copy of the image that runs from here on.
        .globl  efi_leave
efi_leave:
        csrwr   $zero, CSR_ECFG
        // The copy is in data pages, which firmware's tables may not let us execute; a window does.
        li.d    $t0, PLINTH_CACHED_WINDOW
        csrwr   $t0, CSR_DMW1
        la.pcrel $t1, image_start
        la.pcrel $t2, boot_with_hand_over
        sub.d   $t2, $t2, $t1
        add.d   $t2, $t2, $a1
        li.d    $t0, PLINTH_CACHED_BASE
        or      $t2, $t2, $t0
        ibar    0                       // what was stored may be executed
        jirl    $zero, $t2, 0
