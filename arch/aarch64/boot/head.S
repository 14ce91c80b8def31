// SPDX-License-Identifier: Apache-2.0
// Entry from the boot loader (Documentation/arch/arm64/booting in Linux): MMU off, x0 = physical address of the FDT, image at any
// 2 MiB boundary, cleaned to the point of coherency. Or from EFI firmware, which takes the same file for an application: then
// efi_entry comes first, and what it leaves is as from a boot loader. Ends in boot_main() with the MMU on, on the boot stack:
//
//     image_base + 0        -> this image's 2 MiB block (all rights, until C++ builds the final map)
//     direct_base + phys    -> the same block
//     phys                  -> the same block, for the instructions that switch the MMU on
//     fdt_base + fdt % 2MiB -> the FDT (the second block of an FDT that crosses a boundary is added by C++)
//
// Register use until the jump: x19 how the CPU was found, x20 FDT, x21 image, x22 tables, x23 hand-over of the EFI part.
#include <arch/layout.hpp>

#include "hal/efi/pe_header.hpp"

#define BLOCK_2M          0x1
#define TABLE             0x3
#define ACCESS_FLAG       (1 << 10)
#define INNER_SHAREABLE   (3 << 8)
#define ATTR_NORMAL       (1 << 2)
#define AP1_RES1_AT_EL2   (1 << 6)
#define READ_ONLY         (1 << 7)
#define EL2_XN            (1 << 54)
#define NORMAL_BLOCK      (BLOCK_2M | ACCESS_FLAG | INNER_SHAREABLE | ATTR_NORMAL)

// T0SZ=16, write-back inner and outer, inner shareable, 4 KiB granule. PS is added at run time.
#define TCR_COMMON        (16 | (1 << 8) | (1 << 10) | (3 << 12))
#define TCR_EL2_RES1      ((1 << 31) | (1 << 23))
#define TCR_EL1_EPD1      (1 << 23)
#define SCTLR_M_C_SA_I    ((1 << 0) | (1 << 2) | (1 << 3) | (1 << 12))
#define SCTLR_EL2_RES1    0x30c50830
#define SCTLR_EL1_RES1    0x30d00800

#define HCR_TGE_BIT       27
#define HCR_RW            (1 << 31)
#define HCR_E2H_BIT       34

// What x19 says. 4 and 8 are values of CurrentEL.
#define FOUND_EL1         4
#define FOUND_EL2         8
#define FOUND_VHE_ONLY    9

// Load any 64-bit constant.
.macro  mov_q reg, value
        movz    \reg, #(((\value) >> 48) & 0xffff), lsl #48
        movk    \reg, #(((\value) >> 32) & 0xffff), lsl #32
        movk    \reg, #(((\value) >> 16) & 0xffff), lsl #16
        movk    \reg, #((\value) & 0xffff)
.endm

// Where an image for bring-up has got to (early_uart.cmake): with the MMU off, at the UART's physical address. One that takes no
// characters is not waited for for long. Clobbers x15 to x18 and the flags.
.macro  early_progress character
#ifdef PLINTH_EARLY_UART
        mov_q   x16, PLINTH_EARLY_ADDRESS
        mov_q   x17, PLINTH_EARLY_MASK
        mov     x15, #0x10000
8:      sub     x15, x15, #1
        cbz     x15, 9f
#if PLINTH_EARLY_BYTE
        ldrb    w18, [x16, #PLINTH_EARLY_STATUS]
#else
        ldr     w18, [x16, #PLINTH_EARLY_STATUS]
#endif
        and     x18, x18, x17
        eor     x18, x18, #PLINTH_EARLY_READY
        cbnz    x18, 8b
        mov     w18, #\character
#if PLINTH_EARLY_BYTE
        strb    w18, [x16, #PLINTH_EARLY_DATA]
#else
        str     w18, [x16, #PLINTH_EARLY_DATA]
#endif
9:
#endif
.endm

        .section .head, "ax"
        ccmp    x18, #0, #0xd, pl       // does nothing, and its first bytes are "MZ"
        b       boot_entry
        .quad   0                       // text_offset
        .quad   PLINTH_BOOT_BLOCK       // image_size: what the boot loader must keep free
        .quad   0xa                     // little endian, 4 KiB pages, anywhere in memory
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   pe_start                // where EFI looks for it
        .globl  pe_header_start
pe_header_start:
        pe_header PE_MACHINE_AARCH64

        // The first moments with the MMU on run at physical addresses: one page, mapped one to one for good, because every
        // CPU that starts passes here.
        .section .identity, "ax"
boot_entry:
        mov     x1, xzr                 // whatever the loader left there
        // From here on as the EFI part comes: x1 = physical address of a hal::efi::HandOver, or 0.
        .globl  boot_with_hand_over
boot_with_hand_over:
        msr     daifset, #0xf
        msr     spsel, #1               // loaders differ; the vectors and GuestFrame count on SP_EL2
        mov     x20, x0
        mov     x23, x1
        adrp    x21, image_start
        adrp    x22, boot_tables
        early_progress 'P'              // the first instructions run
        mrs     x19, CurrentEL
        cmp     x19, #FOUND_EL2
        b.ne    0f
        bl      configure_hypervisor
        tbz     x9, #HCR_E2H_BIT, 0f
        // With TGE the registers of EL1 are by their names those of EL2 (D8.1.3), tables and TLB instructions included: the
        // little that is done without VMs is done as at EL1.
        orr     x9, x9, #(1 << HCR_TGE_BIT)
        msr     hcr_el2, x9
        isb
        mov     x19, #FOUND_VHE_ONLY
0:

        early_progress 'E'              // the exception level is known
        // Lines of the tables that a boot loader left in a cache would hide what we write with the MMU off (B2.8).
        add     x0, x22, #(PLINTH_BOOT_TABLES * 4096)
        bl      clean_tables
        mov     x1, x22
0:      stp     xzr, xzr, [x1], #16
        cmp     x1, x0
        b.lo    0b

        mov_q   x5, NORMAL_BLOCK
        cmp     x19, #FOUND_EL2
        b.ne    1f
        orr     x5, x5, #AP1_RES1_AT_EL2
1:
        // Tables, in order: level 0; level 1 and 2 of the physical block, of the image, of the FDT.
        add     x6, x22, #4096
        add     x7, x22, #(2 * 4096)
        orr     x8, x6, #TABLE
        ubfx    x9, x21, #39, #9
        str     x8, [x22, x9, lsl #3]   // identity
        add     x9, x9, #(PLINTH_DIRECT_BASE >> 39)
        str     x8, [x22, x9, lsl #3]   // direct map
        orr     x8, x7, #TABLE
        ubfx    x9, x21, #30, #9
        str     x8, [x6, x9, lsl #3]
        orr     x8, x21, x5
        ubfx    x9, x21, #21, #9
        str     x8, [x7, x9, lsl #3]

        add     x6, x22, #(3 * 4096)
        add     x7, x22, #(4 * 4096)
        orr     x9, x6, #TABLE
        str     x9, [x22, #((PLINTH_IMAGE_BASE >> 39) * 8)]
        orr     x9, x7, #TABLE
        str     x9, [x6]
        str     x8, [x7]

        add     x6, x22, #(5 * 4096)
        lsr     x9, x20, #21
        lsl     x9, x9, #21
        orr     x8, x9, x5
        orr     x8, x8, #READ_ONLY
        orr     x8, x8, #EL2_XN
        orr     x9, x6, #TABLE
        str     x9, [x22, #((PLINTH_FDT_BASE >> 39) * 8)]
        add     x7, x6, #4096
        orr     x9, x7, #TABLE
        str     x9, [x6]
        str     x8, [x7]

        dmb     sy
        add     x0, x22, #(PLINTH_BOOT_TABLES * 4096)
        bl      clean_tables

        early_progress 'M'              // tables are there, the MMU goes on
        ldr     x8, =boot_on_virtual_addresses
        cmp     x19, #FOUND_EL2
        b.eq    enter_el2
        b       enter_el1

// Clean and invalidate the tables, [x22, x0), to the point of coherency. Clobbers x1-x3.
clean_tables:
        mrs     x1, ctr_el0
        ubfx    x1, x1, #16, #4
        mov     x2, #4
        lsl     x2, x2, x1
        mov     x3, x22
0:      dc      civac, x3
        add     x3, x3, x2
        cmp     x3, x0
        b.lo    0b
        dsb     sy
        ret

        // The MMU goes on. Enter with x8 = virtual address to continue at.
enter_el2:
        mov_q   x9, (TCR_COMMON | TCR_EL2_RES1)
        mrs     x10, id_aa64mmfr0_el1
        and     x10, x10, #0xf
        mov     x11, #5                 // 48 bits are all that a 4 KiB granule without LPA2 can name
        cmp     x10, x11
        csel    x10, x10, x11, lo
        orr     x9, x9, x10, lsl #16
        msr     tcr_el2, x9
        mov_q   x9, PLINTH_MAIR
        msr     mair_el2, x9
        msr     ttbr0_el2, x22
        isb
        tlbi    alle2
        ic      iallu
        dsb     nsh
        isb
        mov_q   x9, (SCTLR_EL2_RES1 | SCTLR_M_C_SA_I)
        msr     sctlr_el2, x9
        isb
        br      x8

// HCR_EL2: EL1 is AArch64, no VHE, nothing trapped yet. Returns what the register makes of it in x9: a CPU without FEAT_E2H0
// keeps E2H set (D24.2.53).
configure_hypervisor:
        mov     x9, #HCR_RW
        msr     hcr_el2, x9
        isb
        mrs     x9, hcr_el2
        ret

// Without VMs there is nothing to do but to say so, which takes the same map at EL1.
enter_el1:
        mov_q   x9, (TCR_COMMON | TCR_EL1_EPD1)
        mrs     x10, id_aa64mmfr0_el1
        and     x10, x10, #0xf
        mov     x11, #5
        cmp     x10, x11
        csel    x10, x10, x11, lo
        orr     x9, x9, x10, lsl #32
        msr     tcr_el1, x9
        mov_q   x9, PLINTH_MAIR
        msr     mair_el1, x9
        msr     ttbr0_el1, x22
        isb
        tlbi    vmalle1
        ic      iallu
        dsb     nsh
        isb
        mov_q   x9, (SCTLR_EL1_RES1 | SCTLR_M_C_SA_I)
        msr     sctlr_el1, x9
        isb
        br      x8

// A CPU that PSCI started (DEN0022 6.4): MMU off, x0 = physical address of an arch::SecondaryBoot, cleaned by the CPU that asked.
        .globl  secondary_entry
secondary_entry:
        msr     daifset, #0xf
        msr     spsel, #1
        ldp     x22, x8, [x0]           // page tables, where to go
        ldp     x23, x24, [x0, #16]     // stack, argument
        bl      configure_hypervisor
        tbz     x9, #HCR_E2H_BIT, enter_el2
        // Its registers are others than the boot CPU's: it cannot even say so. The boot CPU notices that it does not report.
0:      wfe
        b       0b

// A CPU that polled a spin table (Linux: Documentation/arch/arm64/booting): MMU off, nothing in registers. Others may share its
// release address, so it waits until it is the one that is called.
        .globl  spin_table_entry
spin_table_entry:
        adrp    x0, secondary_boot
        add     x0, x0, :lo12:secondary_boot
        mrs     x1, mpidr_el1
        mov_q   x2, 0xff00ffffff        // Aff3 to Aff0
        and     x1, x1, x2
0:      ldr     x2, [x0, #32]
        cmp     x1, x2
        b.eq    secondary_entry
        wfe
        b       0b

        .section .text, "ax"
// x23 = stack top, x24 = argument of secondary_main().
        .globl  secondary_on_virtual_addresses
secondary_on_virtual_addresses:
        hint    #36                     // BTI j
        mov     sp, x23
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x24
        b       secondary_main

boot_on_virtual_addresses:
        hint    #36                     // BTI j
        adrp    x0, boot_stack_top
        add     sp, x0, :lo12:boot_stack_top
        mov     x29, xzr
        mov     x30, xzr
        // The values of .data, from where they lie in the file to their page. That may overlap: from the end.
        adrp    x0, data_values
        add     x0, x0, :lo12:data_values
        adrp    x1, rodata_end
        adrp    x2, data_values_end
        add     x2, x2, :lo12:data_values_end
        sub     x2, x2, x1
0:      cbz     x2, 1f
        sub     x2, x2, #16
        add     x3, x0, x2
        ldp     x4, x5, [x3]
        add     x3, x1, x2
        stp     x4, x5, [x3]
        b       0b
1:
        adrp    x0, bss_start
        add     x0, x0, :lo12:bss_start
        adrp    x1, bss_end
        add     x1, x1, :lo12:bss_end
0:      cmp     x0, x1
        b.hs    1f
        stp     xzr, xzr, [x0], #16
        b       0b
1:
        // The canary must be there before the first protected function. Counter and load address are what differs from boot
        // to boot so early.
        mrs     x2, cntpct_el0
        eor     x2, x2, x20, ror #17
        eor     x2, x2, x2, lsl #29
        and     x2, x2, #~0xff          // a zero byte ends string overruns
        adrp    x3, __stack_chk_guard
        str     x2, [x3, :lo12:__stack_chk_guard]

        mov     x0, x20
        mov     x1, x21
        mov     x2, x23
        cmp     x19, #FOUND_EL2
        b.eq    boot_main
        cmp     x19, #FOUND_VHE_ONLY
        cset    w2, eq
        b       boot_main_without_vms

// x0 = physical address of the new root, x1 = physical address of the code below. Callable from C++.
        .globl  exchange_host_root_at
exchange_host_root_at:
        hint    #34                     // BTI c
        br      x1

        .section .identity, "ax"
        .globl  exchange_host_root_identity
exchange_host_root_identity:
        hint    #36                     // BTI j
        mrs     x1, sctlr_el2
        bic     x2, x1, #1
        msr     sctlr_el2, x2
        isb
        msr     ttbr0_el2, x0
        isb
        tlbi    alle2
        dsb     nsh
        isb
        msr     sctlr_el2, x1
        isb
        ret

        // The canary of -fstack-protector. Not in C++, because of what tools/cmake/aarch64.cmake says.
        .section .bss.__stack_chk_guard, "aw", %nobits
        .balign 8
        .globl  __stack_chk_guard
__stack_chk_guard:
        .skip   8
