// SPDX-License-Identifier: Apache-2.0
// The way out of a guest and back (5.2 to 5.4 of the LVZ reference). EENTRY points here for good: exceptions of the hypervisor
// itself are bugs of ours, told apart by GSTAT.PVM and passed on.
//
// While GTLBC.TGID is not 0 nothing may be touched that the TLB translates, so the guest's registers go to its vCPU, in the
// direct-mapped window. Offsets of <arch/vcpu.hpp>:
#define VCPU_ATTENTION   0
#define VCPU_FRAME       64
#define FRAME_R(n)       (VCPU_FRAME + 8 * (n))
#define FRAME_PC         (VCPU_FRAME + 256)
#define FRAME_GUEST_ROOT  (VCPU_FRAME + 264)
#define FRAME_GUEST_GSTAT (VCPU_FRAME + 272)
#define FRAME_GUEST_GTLBC (VCPU_FRAME + 280)
#define FRAME_HOST_ROOT   (VCPU_FRAME + 288)
#define FRAME_HOST_GSTAT  (VCPU_FRAME + 296)
#define FRAME_HOST_GTLBC  (VCPU_FRAME + 304)
#define FRAME_STACK_TOP   (VCPU_FRAME + 312)
#define FRAME_POINTS      (VCPU_FRAME + 320)
#define POINT_ATTENTION   64
// <hal/cpu_local.hpp>
#define CPU_RESCHEDULE   0

#define CSR_PRMD    0x1
#define CSR_ESTAT   0x5
#define CSR_ERA     0x6
#define CSR_GTLBC   0x15
#define CSR_PGDL    0x19
#define CSR_LOCAL   0x33                // SAVE3: CpuLocal
#define CSR_SCRATCH 0x34                // SAVE4
#define CSR_VCPU    0x35                // SAVE5: the vCPU that is loaded
#define CSR_GSTAT   0x50
#define GSTAT_PVM   2
#define PRMD_PIE    4

        .section .text.hot, "ax"
        .globl  guest_exit
        .balign 4096
guest_exit:
        csrwr   $t0, CSR_SCRATCH
        csrrd   $t0, CSR_GSTAT
        andi    $t0, $t0, GSTAT_PVM
        beqz    $t0, 9f
        csrrd   $t0, CSR_VCPU
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        st.d    $r\n, $t0, FRAME_R(\n)
        .endr
        csrrd   $t1, CSR_SCRATCH
        csrrd   $t2, CSR_ERA
        st.d    $t1, $t0, FRAME_R(12)
        st.d    $t2, $t0, FRAME_PC
        // The hypervisor's translation again; PVM and TGID are 0 in these.
        ld.d    $t1, $t0, FRAME_HOST_ROOT
        ld.d    $t2, $t0, FRAME_HOST_GSTAT
        ld.d    $t3, $t0, FRAME_HOST_GTLBC
        csrwr   $t1, CSR_PGDL
        csrwr   $t2, CSR_GSTAT
        csrwr   $t3, CSR_GTLBC
        csrrd   $a1, CSR_ESTAT
        ld.d    $sp, $t0, FRAME_STACK_TOP
        bstrpick.d $t1, $a1, 21, 16
        move    $s0, $t0
        alsl.d  $t1, $t1, $t0, 4
// s0 = vCPU, t1 = vCPU and 16 bytes for each point to skip, a1 = ESTAT. Count the exit and go to its handler.
take_exit:
        ld.d    $t2, $t1, FRAME_POINTS + 8
        ld.d    $t3, $t1, FRAME_POINTS
        move    $a0, $s0
        addi.d  $t2, $t2, 1
        st.d    $t2, $t1, FRAME_POINTS + 8
        move    $fp, $zero
        jirl    $ra, $t3, 0

// Every way back into a guest passes here, s0 = vCPU, which may have come from another CPU.
guest_return:
        csrrd   $t1, CSR_LOCAL
        ld.wu   $t2, $s0, VCPU_ATTENTION
        ld.wu   $t1, $t1, CPU_RESCHEDULE
        or      $t1, $t1, $t2
        bnez    $t1, 8f
        ld.d    $t1, $s0, FRAME_PC
        ld.d    $t2, $s0, FRAME_GUEST_ROOT
        ld.d    $t3, $s0, FRAME_GUEST_GTLBC
        csrwr   $t1, CSR_ERA
        csrwr   $t2, CSR_PGDL
        csrwr   $t3, CSR_GTLBC
        ld.d    $t1, $s0, FRAME_GUEST_GSTAT
        ori     $t2, $zero, PRMD_PIE
        csrwr   $t2, CSR_PRMD
        csrwr   $t1, CSR_GSTAT
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,24,25,26,27,28,29,30,31
        ld.d    $r\n, $s0, FRAME_R(\n)
        .endr
        ld.d    $r23, $s0, FRAME_R(23)
        ertn

// Rare: the scheduler or another CPU wants something of this vCPU.
8:      addi.d  $t1, $s0, 16 * POINT_ATTENTION
        move    $a1, $zero
        b       take_exit

9:      csrrd   $t0, CSR_SCRATCH
        b       exception_vectors

        .globl  enter_guest_at
// a0 = vCPU. Leaves the caller's stack frames behind.
enter_guest_at:
        move    $s0, $a0
        ld.d    $sp, $s0, FRAME_STACK_TOP
        b       guest_return
