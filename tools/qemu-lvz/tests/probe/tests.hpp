// SPDX-License-Identifier: GPL-2.0-or-later
//
// The groups of checks, in the order of main.cpp. Each file's head names the sections of the reference it checks.
#pragma once

#include "types.hpp"

namespace probe {

// Without LVZ as well.
void test_encodings();
void test_without_lvz();

// With LVZ, one CPU.
void test_identity();
void test_host_csrs();
void test_guest_bank();
void test_host_bad_use();
void test_switch();
void test_sensitive();
void test_gcfg();
void test_guest_exceptions();
void test_guest_bad_use();
void test_stage2();
void test_two_stages();
void test_tags();
void test_invtlb();
void test_guest_tlb_instructions();
void test_injection();
void test_physical_interrupts();
void test_timer();
void test_euen();
void test_llbctl();
void test_ertn();
/// `seed` chooses the random sequence, `factor` multiplies its length.
void test_hostile_state(u64 seed, u64 factor);

// With LVZ, both CPUs.
void test_smp();

}  // namespace probe
