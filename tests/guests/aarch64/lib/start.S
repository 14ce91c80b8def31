// SPDX-License-Identifier: Apache-2.0
// Entry of a bare-metal guest at EL1 with the MMU off and the device tree's address in x0. The binary is linked at 0 and
// runs at any 4 KiB boundary. With GUEST_IMAGE_HEADER it starts as an arm64 Image does (Linux, booting.rst).

.set r_aarch64_relative, 1027

.section .text.start, "ax"
.global _start
_start:
#ifdef GUEST_IMAGE_HEADER
    b       begin
    .word   0
    .quad   0                       // text_offset
    .quad   _end - _start           // image_size
    .quad   0b1010                  // little endian, 4 KiB pages, anywhere in memory
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .word   0
begin:
#endif
    mov     x19, x0
    bl      enable_fp

    // Relocate ourselves: pointers in data hold link-time values.
    adrp    x0, _start
    adrp    x1, _relocations
    add     x1, x1, :lo12:_relocations
    adrp    x2, _relocations_end
    add     x2, x2, :lo12:_relocations_end
1:  cmp     x1, x2
    b.hs    2f
    ldp     x3, x4, [x1], #16       // r_offset, r_info
    ldr     x5, [x1], #8            // r_addend
    cmp     x4, #r_aarch64_relative
    b.ne    1b
    add     x5, x5, x0
    str     x5, [x3, x0]
    b       1b

2:  adrp    x0, _bss
    add     x0, x0, :lo12:_bss
    adrp    x1, _bss_end
    add     x1, x1, :lo12:_bss_end
3:  cmp     x0, x1
    b.hs    4f
    str     xzr, [x0], #8
    b       3b

4:  adrp    x0, _stack_top
    add     x0, x0, :lo12:_stack_top
    mov     sp, x0
    bl      install_vectors
    bl      guest_enable_mmu
    mov     x0, x19
    bl      guest_main
    bl      guest_power_off

// A CPU brought up by PSCI CPU_ON: x0 points at { stack top, function, argument }.
.global guest_secondary_start
guest_secondary_start:
    mov     x19, x0
    bl      enable_fp
    ldr     x1, [x19, #0]
    mov     sp, x1
    bl      install_vectors
    bl      guest_enable_mmu
    ldp     x1, x0, [x19, #8]
    blr     x1
    mov     w0, #0x0002             // CPU_OFF, 0x84000002
    movk    w0, #0x8400, lsl #16
    hvc     #0
    b       .

enable_fp:
    mov     x1, #(3 << 20)          // CPACR_EL1.FPEN
    msr     cpacr_el1, x1
    isb
    ret

install_vectors:
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    ret

// struct guest::Frame: x0..x30, elr, spsr, esr, far.
.set frame_size, 35 * 8 + 8

.macro vector kind
    .balign 0x80
    sub     sp, sp, #frame_size
    stp     x0, x1, [sp, #0]
    mov     x1, #\kind
    b       common
.endm

.balign 0x800
vectors:
    .irp    group, 0, 1, 2, 3
    vector  0
    vector  1
    vector  2
    vector  3
    .endr

common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, elr_el1
    stp     x30, x2, [sp, #240]
    mrs     x2, spsr_el1
    mrs     x3, esr_el1
    stp     x2, x3, [sp, #256]
    mrs     x2, far_el1
    str     x2, [sp, #272]
    mov     x0, sp
    bl      guest_exception
    ldp     x30, x2, [sp, #240]
    msr     elr_el1, x2
    ldr     x2, [sp, #256]
    msr     spsr_el1, x2
    ldp     x28, x29, [sp, #224]
    ldp     x26, x27, [sp, #208]
    ldp     x24, x25, [sp, #192]
    ldp     x22, x23, [sp, #176]
    ldp     x20, x21, [sp, #160]
    ldp     x18, x19, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp, #0]
    add     sp, sp, #frame_size
    eret
