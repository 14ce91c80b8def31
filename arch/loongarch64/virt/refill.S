// SPDX-License-Identifier: Apache-2.0
// TLB refills, of the hypervisor's own tables and of stage 2 alike (volume 1, 5.4.3), and how a CPU gets ready for them.
//
// A refill is taken in direct mode with interrupts off; TLBRBADV has the address, for a guest its physical one. PGDL leads
// to the tables of whoever runs, whatever the address: CSR PGD would take PGDH for a guest physical address beyond the
// middle of the address space, and so the hypervisor's tables. TLBFILL tags the entry with GTLBC.TGID. A walk always ends
// with a pair of entries, because an empty place leads to tables that translate nothing (regs/page_table.hpp).

#define CSR_PGDL      0x19
#define CSR_PGDH      0x1a
#define CSR_ASID      0x18
#define CSR_PWCL      0x1c
#define CSR_PWCH      0x1d
#define CSR_STLBPS    0x1e
#define CSR_TLBIDX    0x10
#define CSR_TLBRENTRY 0x88
#define CSR_TLBRSAVE  0x8b
#define CSR_TLBREHI   0x8e

// Four levels of 512 entries of 8 bytes over pages of 4 KiB: PTbase 12, Dir1 21, Dir2 30, Dir3 39, each 9 bits wide. PWCH.HPTW
// is 0.
#define PWCL          0x13e4d52c
#define PWCH          0x267
#define PAGE_SHIFT    12

        .section .text.hot, "ax"
        .globl  tlb_refill
        .balign 4096
tlb_refill:
        csrwr   $t0, CSR_TLBRSAVE
        csrrd   $t0, CSR_PGDL
        lddir   $t0, $t0, 3
        lddir   $t0, $t0, 2
        lddir   $t0, $t0, 1
        ldpte   $t0, 0
        ldpte   $t0, 1
        tlbfill
        csrrd   $t0, CSR_TLBRSAVE
        ertn

        .section .text, "ax"
// a0 = number of this CPU. Uses neither stack nor memory that tables translate.
        .globl  arch_mmu_join_cpu
arch_mmu_join_cpu:
        la.pcrel $t0, tlb_refill
        bstrpick.d $t0, $t0, 47, 0          // physical
        csrwr   $t0, CSR_TLBRENTRY
        li.w    $t0, PWCL
        csrwr   $t0, CSR_PWCL
        li.w    $t0, PWCH
        csrwr   $t0, CSR_PWCH
        li.w    $t0, PAGE_SHIFT
        csrwr   $t0, CSR_STLBPS
        li.w    $t0, PAGE_SHIFT
        csrwr   $t0, CSR_TLBREHI
        li.w    $t0, PAGE_SHIFT << 24
        csrwr   $t0, CSR_TLBIDX
        csrwr   $zero, CSR_ASID
        la.pcrel $t1, mmu_host_root
        ld.d    $t0, $t1, 0
        csrwr   $t0, CSR_PGDL
        ld.d    $t0, $t1, 0
        csrwr   $t0, CSR_PGDH
        invtlb  0x0, $zero, $zero
        // From now on it is asked, too, when translations go.
        li.w    $t0, 1
        sll.d   $t0, $t0, $a0
        la.pcrel $t1, mmu_cpus
        amor_db.d $zero, $t0, $t1
        ret
