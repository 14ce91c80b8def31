// SPDX-License-Identifier: Apache-2.0
// Entry of a bare-metal guest as LoongArch Linux starts (booting.rst): direct address translation, a1 = the command line,
// a2 = the EFI system table. The binary runs at any 4 KiB boundary. With GUEST_IMAGE_HEADER it begins as Linux' Image does.

.set csr_crmd, 0x0
.set csr_prmd, 0x1
.set csr_ecfg, 0x4
.set csr_estat, 0x5
.set csr_era, 0x6
.set csr_badv, 0x7
.set csr_eentry, 0xc
.set csr_cpuid, 0x20
.set csr_dmw0, 0x180
.set csr_dmw1, 0x181
.set r_larch_relative, 3
.set link_base, 0x200000

// Windows for PLV0: 0x8... uncached, 0x9... cached (Volume 1, 5.2.1). From here on in the cached one, mapped, and cached where
// no window says otherwise; interrupts masked.
.macro enter_window
    li.d    $t0, 0x8000000000000001
    csrwr   $t0, csr_dmw0
    li.d    $t0, 0x9000000000000011
    csrwr   $t0, csr_dmw1
    lu52i.d $t1, $zero, -1792               // 0x9000'0000'0000'0000
    pcaddi  $t0, 0
    or      $t0, $t0, $t1
    jirl    $zero, $t0, 12
    li.w    $t0, 0xb0
    csrwr   $t0, csr_crmd
    csrwr   $zero, csr_ecfg
.endm

.section .text.start, "ax"
.global _start
_start:
#ifdef GUEST_IMAGE_HEADER
    .ascii  "MZ"
    .balign 8
    .dword  link_base + (begin - _start)    // entry
    .dword  _end - _start                   // size in memory
    .dword  link_base                       // load offset
    .balign 8
    .fill   24, 1, 0
    .word   0x818223cd                      // LINUX_PE_MAGIC
    .word   pe_header - _start
pe_header:                                  // as much as tells whose image it is: this is no EFI application
    .ascii  "PE\0\0"
    .short  0x6264                          // IMAGE_FILE_MACHINE_LOONGARCH64
    .short  0
#endif
begin:
    enter_window
    move    $s0, $a1
    move    $s1, $a2

    // Relocate ourselves: pointers in data hold link-time values.
    la.pcrel $a0, _start
    li.w    $t0, link_base
    sub.d   $a0, $a0, $t0
    la.pcrel $a1, _relocations
    la.pcrel $a2, _relocations_end
    li.w    $t2, r_larch_relative
1:  bgeu    $a1, $a2, 2f
    ld.d    $t0, $a1, 0                     // r_offset
    ld.d    $t1, $a1, 8                     // r_info
    ld.d    $t3, $a1, 16                    // r_addend
    addi.d  $a1, $a1, 24
    bne     $t1, $t2, 1b
    add.d   $t3, $t3, $a0
    stx.d   $t3, $t0, $a0
    b       1b

2:  la.pcrel $a0, _bss
    la.pcrel $a1, _bss_end
3:  bgeu    $a0, $a1, 4f
    st.d    $zero, $a0, 0
    addi.d  $a0, $a0, 8
    b       3b

4:  la.pcrel $sp, _stack_top
    la.pcrel $t0, vectors
    csrwr   $t0, csr_eentry
    addi.d  $sp, $sp, -16                   // struct guest::Handover
    st.d    $s0, $sp, 0
    st.d    $s1, $sp, 8
    move    $a0, $sp
    bl      guest_main
    bl      guest_power_off

// A CPU that was started by its mailbox: smp.cpp has a stack for it.
.global guest_secondary_start
guest_secondary_start:
    enter_window
    la.pcrel $t0, vectors
    csrwr   $t0, csr_eentry
    csrrd   $a0, csr_cpuid
    bstrpick.d $a0, $a0, 8, 0
    la.pcrel $t0, guest_secondary_stacks
    slli.d  $t1, $a0, 13                    // 8 KiB each
    add.d   $sp, $t0, $t1
    lu12i.w $t1, 2
    add.d   $sp, $sp, $t1
    bl      guest_secondary_main

// struct guest::Frame: r0..r31, era, prmd, estat, badv.
.set frame_size, 36 * 8

.irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
.equ offset_\n, \n * 8
.endr

.balign 4096
vectors:
    addi.d  $sp, $sp, -frame_size
    .irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    st.d    $r\n, $sp, offset_\n
    .endr
    csrrd   $t0, csr_era
    st.d    $t0, $sp, 256
    csrrd   $t0, csr_prmd
    st.d    $t0, $sp, 264
    csrrd   $t0, csr_estat
    st.d    $t0, $sp, 272
    csrrd   $t0, csr_badv
    st.d    $t0, $sp, 280
    move    $a0, $sp
    bl      guest_exception
    ld.d    $t0, $sp, 256
    csrwr   $t0, csr_era
    ld.d    $t0, $sp, 264
    csrwr   $t0, csr_prmd
    .irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld.d    $r\n, $sp, offset_\n
    .endr
    addi.d  $sp, $sp, frame_size
    ertn
