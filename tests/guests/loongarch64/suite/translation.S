// SPDX-License-Identifier: Apache-2.0
// TLB refills (volume 1, 5.4.3), entered with direct addresses.
.set csr_pgd, 0x1b
.set csr_save0, 0x30
.set csr_save1, 0x31
.set csr_save2, 0x32
.set csr_save3, 0x33
.set csr_save4, 0x34
.set csr_tlbrsave, 0x8b
.set csr_tlbrelo0, 0x8c
.set csr_tlbrelo1, 0x8d
.set csr_tlbrehi, 0x8e

.text
// Whatever the address: the pair of entries in SAVE0 and SAVE1, of the page size in SAVE3. Counts in SAVE2.
.global suite_fixed_refill
.balign 4096
suite_fixed_refill:
    csrwr   $t0, csr_tlbrsave
    csrrd   $t0, csr_save2
    addi.d  $t0, $t0, 1
    csrwr   $t0, csr_save2
    csrrd   $t0, csr_save0
    csrwr   $t0, csr_tlbrelo0
    csrrd   $t0, csr_save1
    csrwr   $t0, csr_tlbrelo1
    csrwr   $t1, csr_save4
    csrrd   $t0, csr_save3
    csrrd   $t1, csr_tlbrehi
    bstrins.d $t1, $t0, 5, 0
    csrwr   $t1, csr_tlbrehi
    csrrd   $t1, csr_save4
    tlbfill
    csrrd   $t0, csr_tlbrsave
    ertn

// By tables of three levels: Dir3, Dir1, PT.
.global suite_walking_refill
.balign 4096
suite_walking_refill:
    csrwr   $t0, csr_tlbrsave
    csrrd   $t0, csr_pgd
    lddir   $t0, $t0, 3
    lddir   $t0, $t0, 1
    ldpte   $t0, 0
    ldpte   $t0, 1
    tlbfill
    csrrd   $t0, csr_save2
    addi.d  $t0, $t0, 1
    csrwr   $t0, csr_save2
    csrrd   $t0, csr_tlbrsave
    ertn
