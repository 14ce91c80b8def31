// SPDX-License-Identifier: Apache-2.0
// clang-format off
// Where things stand in the hypervisor's virtual address space. Read by C++, the assembler and the linker script, so plain
// macros only.
//
//     0x0000'3000'0000'0000  devices and stacks, each with unmapped pages around it (PGDL)
//     0x8000'0000'0000'0000  window: all physical addresses, strongly uncached
//     0x9000'0000'0000'0000  window: all physical addresses, cached; direct map and image
//
// The windows need no TLB and no tables, so they work with whatever translation state a guest left; they also give all
// rights everywhere (docs/decisions/0015-windows.md).
#ifndef PLINTH_ARCH_LAYOUT_HPP
#define PLINTH_ARCH_LAYOUT_HPP

#define PLINTH_UNCACHED_BASE 0x8000000000000000
#define PLINTH_CACHED_BASE   0x9000000000000000
#define PLINTH_DYNAMIC_BASE  0x300000000000

// DMW0 and DMW1 (vol. 1, 7.5.14): for PLV0, with the segment in the upper bits and the memory type in bits 5:4.
#define PLINTH_UNCACHED_WINDOW 0x8000000000000001
#define PLINTH_CACHED_WINDOW   0x9000000000000011

// Where the image is loaded and where it runs are the same bits of address.
#define PLINTH_LOAD_PLACE 0x200000
#define PLINTH_IMAGE_BASE 0x9000000000200000

// From EFI the image comes into a block of its own, wherever there is room.
#define PLINTH_BOOT_BLOCK 0x200000

// Of the boot CPU. VM files are loaded and judged on it, and no page below it is left out: it lies in a window.
#define PLINTH_STACK_SIZE 0x8000

// PWCL and PWCH (7.5.7, 7.5.8): four levels of 512 entries of 64 bits, 4 KiB pages.
#define PLINTH_PWCL 0x13e4d52c
#define PLINTH_PWCH 0x267
#define PLINTH_PAGE_BITS 12

#endif
