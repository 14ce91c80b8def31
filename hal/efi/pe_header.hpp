// SPDX-License-Identifier: Apache-2.0
// clang-format off
// The PE/COFF header of the image, for the assembler: it makes of a flat image that boot loaders know as Linux's an EFI
// application too (PE Format, Microsoft; UEFI 2.10, 2.1.1). The file is the memory: one section, from the second page to
// the end. Of the first page a loader need not load more than this header. Nothing writes to the section, so it is
// read-only and executable; there are no relocations, because what runs there is position-independent. The linker script
// knows the sizes:
//
//     pe_entry       efi_entry - image_start
//     pe_file_size   of the file, a multiple of 512
//     pe_image_size  the same in whole pages
#ifndef PLINTH_HAL_EFI_PE_HEADER_HPP
#define PLINTH_HAL_EFI_PE_HEADER_HPP

#define PE_MACHINE_AARCH64      0xaa64
#define PE_MACHINE_LOONGARCH64  0x6264

#define PE_HEADERS              0x1000

.macro  pe_header machine
        .ascii  "PE\0\0"
        .short  \machine
        .short  1                       // sections
        .long   0                       // time stamp: the same source makes the same image
        .long   0, 0                    // no symbols
        .short  1f - 0f                 // size of the optional header
        .short  0x22e                   // executable, large addresses, without line numbers, symbols and debugging
0:
        .short  0x20b                   // PE32+
        .byte   0, 0                    // linker version
        .long   pe_file_size - PE_HEADERS       // code
        .long   0, 0                    // data
        .long   pe_entry
        .long   PE_HEADERS              // base of code
        .quad   0                       // image base: wherever firmware likes
        .long   0x1000                  // section alignment
        .long   0x200                   // file alignment
        .short  0, 0, 0, 0              // versions of system and image
        .short  2, 10                   // subsystem version: UEFI 2.10
        .long   0
        .long   pe_image_size
        .long   PE_HEADERS
        .long   0                       // checksum
        .short  10                      // subsystem: EFI application
        .short  0x100                   // needs no memory that is writable and executable
        .quad   0, 0, 0, 0              // stack and heap
        .long   0
        .long   6                       // data directories, all empty
        .quad   0, 0, 0, 0, 0, 0
1:
        .ascii  ".text\0\0\0"
        .long   pe_image_size - PE_HEADERS
        .long   PE_HEADERS
        .long   pe_file_size - PE_HEADERS
        .long   PE_HEADERS
        .long   0, 0                    // relocations, line numbers
        .short  0, 0
        .long   0x60000020              // code, executable, readable
.endm

#endif
