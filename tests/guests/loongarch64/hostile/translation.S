// SPDX-License-Identifier: Apache-2.0
// TLB refill (volume 1, 5.4.3): whatever has no translation is skipped.
.set csr_tlbrera, 0x8a
.set csr_tlbrsave, 0x8b

.text
.global hostile_tlb_refill
.balign 4096
hostile_tlb_refill:
    csrwr   $t0, csr_tlbrsave
    csrrd   $t0, csr_tlbrera
    addi.d  $t0, $t0, 4
    csrwr   $t0, csr_tlbrera
    csrrd   $t0, csr_tlbrsave
    ertn
