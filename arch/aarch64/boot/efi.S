// SPDX-License-Identifier: Apache-2.0
// To and from the EFI part (UEFI 2.10, 2.3.6: EL2 or EL1, MMU and caches on, memory mapped one to one). This code runs in the
// image as firmware loaded it.
#include <arch/layout.hpp>

#define SCTLR_M_C_I     ((1 << 0) | (1 << 2) | (1 << 12))

        .section .text, "ax"
// x0 = image handle, x1 = system table. Returns a status if firmware is to go on.
        .globl  efi_entry
efi_entry:
        adrp    x2, image_start
        adrp    x3, image_file_end
        add     x3, x3, :lo12:image_file_end
        b       efi_main

// x0 = physical address of the hal::efi::HandOver, x1 = FDT or ACPI tables, x2 = copy of the image that runs from here on:
// what is read with the MMU off is cleaned to the point of coherency, and so is this function.
        .balign 64
        .globl  efi_leave, efi_leave_end
efi_leave:
        msr     daifset, #0xf
        adrp    x3, image_start
        adrp    x4, boot_with_hand_over
        add     x4, x4, :lo12:boot_with_hand_over
        sub     x4, x4, x3
        add     x4, x4, x2
        mrs     x5, sctlr_el2
        mov     x6, #SCTLR_M_C_I
        bic     x5, x5, x6
        msr     sctlr_el2, x5
        isb
        // Lines of the copy's place that somebody fetched before it was the copy.
        ic      iallu
        dsb     nsh
        isb
        mov     x6, x0
        mov     x0, x1
        mov     x1, x6
        br      x4
efi_leave_end:
