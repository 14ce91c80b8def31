// SPDX-License-Identifier: Apache-2.0
// clang-format off
// Where things stand in the hypervisor's 48-bit virtual address space (one TTBR0_EL2). Read by C++, the assembler and
// the linker script, so plain macros only.
//
//     0x0000'0000'0000  unmapped, but for the image's second page at its physical address: CPUs switch their MMU on there
//     0x1000'0000'0000  the FDT, read-only, until discovery is over
//     0x2000'0000'0000  the image: text R-X, rodata R--, data and bss RW-
//     0x3000'0000'0000  devices and stacks, each with unmapped pages around it
//     0x4000'0000'0000  direct map: all RAM the firmware reported, RW-, at base + physical address
#ifndef PLINTH_ARCH_LAYOUT_HPP
#define PLINTH_ARCH_LAYOUT_HPP

#define PLINTH_FDT_BASE     0x100000000000
#define PLINTH_IMAGE_BASE   0x200000000000
#define PLINTH_DYNAMIC_BASE 0x300000000000
#define PLINTH_DIRECT_BASE  0x400000000000

// The image and what the boot needs first lie in one block that the boot loader keeps free for us (image_size in the
// header).
#define PLINTH_BOOT_BLOCK 0x200000

// MAIR_EL2 slots: 0 Device-nGnRE, 1 Normal write-back, 2 Normal non-cacheable (D24.2.110).
#define PLINTH_MAIR 0x44ff04

#define PLINTH_BOOT_TABLES 7
#define PLINTH_STACK_SIZE  0x4000

#endif
