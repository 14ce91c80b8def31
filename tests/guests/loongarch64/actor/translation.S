// SPDX-License-Identifier: Apache-2.0
// TLB refill (volume 1, 5.4.3): the address's low 21 bits lead into the RAM that SAVE0 names, with the entry's flags.
.set csr_save0, 0x30
.set csr_save1, 0x31
.set csr_tlbrbadv, 0x89
.set csr_tlbrsave, 0x8b
.set csr_tlbrelo0, 0x8c
.set csr_tlbrelo1, 0x8d
.set csr_tlbrehi, 0x8e

.text
.global actor_tlb_refill
.balign 4096
actor_tlb_refill:
    csrwr   $t0, csr_tlbrsave
    csrwr   $t1, csr_save1
    csrrd   $t0, csr_tlbrbadv
    bstrpick.d $t0, $t0, 20, 13
    slli.d  $t0, $t0, 13
    csrrd   $t1, csr_save0
    add.d   $t1, $t1, $t0
    lu12i.w $t0, 1
    add.d   $t0, $t0, $t1
    csrwr   $t1, csr_tlbrelo0
    csrwr   $t0, csr_tlbrelo1
    csrrd   $t0, csr_tlbrehi
    bstrins.d $t0, $zero, 5, 0
    ori     $t0, $t0, 12                    // PS
    csrwr   $t0, csr_tlbrehi
    tlbfill
    csrrd   $t1, csr_save1
    csrrd   $t0, csr_tlbrsave
    ertn
