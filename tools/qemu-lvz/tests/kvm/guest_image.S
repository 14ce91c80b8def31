// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest of guest.cpp, as the program carries it.

    .section .rodata
    .globl  guest_image
    .globl  guest_image_end
    .p2align 4
guest_image:
    .incbin "guest.bin"
guest_image_end:
