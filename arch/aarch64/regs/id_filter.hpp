// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "hal/base/bits.hpp"

// Which feature-ID fields a guest may see (Arm ARM D24.2, ID_AA64*_EL1). A field that no line names reads as its "not
// implemented" value, so a CPU newer than this table shows nothing we did not think about. Pure: tested on the host.
namespace arch::regs {

enum class FieldRule : uint8_t {
  pass,         // as the CPU has it; several CPUs: the least
  pass_signed,  // the same for a signed field, where 0xf means "not implemented"
  at_most,      // the CPU's, but not above `value`; 0xf counts as "not implemented" where `value` is 0
  known,        // the same of a field where 0xf means "in a way of its own" (D24.1.3): then 0
  fixed,        // always `value`
};

struct IdField {
  uint8_t op;   // CRm * 8 + op2
  uint8_t low;  // lowest bit of the four
  FieldRule rule = FieldRule::pass;
  uint8_t value = 0;
};

constexpr uint8_t id_op(unsigned crm, unsigned op2) { return static_cast<uint8_t>(crm * 8 + op2); }

inline constexpr auto id_fields = std::to_array<IdField>({
    // ID_AA64PFR0_EL1: EL0 with AArch32 if the CPU has it, EL1 in AArch64 only, no EL2, no EL3. GIC (27:24) is added
    // per VM.
    // RAS, MPAM, AMU, SEL2, RME stay 0.
    {id_op(4, 0), 0, FieldRule::at_most, 2},
    {id_op(4, 0), 4, FieldRule::fixed, 1},
    {id_op(4, 0), 16, FieldRule::pass_signed},  // FP
    {id_op(4, 0), 20, FieldRule::pass_signed},  // AdvSIMD
    {id_op(4, 0), 32},                          // SVE
    {id_op(4, 0), 48},                          // DIT
    {id_op(4, 0), 56, FieldRule::at_most, 1},   // CSV2, without SCXTNUM (HCR_EL2.EnSCXT)
    {id_op(4, 0), 60},                          // CSV3
    // ID_AA64PFR1_EL1: BT, SSBS. MTE, SME, RNDR_trap, NMI, GCS, THE, DF2, PFAR stay 0.
    {id_op(4, 1), 0},
    {id_op(4, 1), 4},
    // ID_AA64ZFR0_EL1: SVEver, AES, EltPerm, BitPerm, BF16, B16B16, SHA3, SM4, I8MM, F32MM, F64MM.
    {id_op(4, 4), 0},
    {id_op(4, 4), 4},
    {id_op(4, 4), 12},
    {id_op(4, 4), 16},
    {id_op(4, 4), 20},
    {id_op(4, 4), 24},
    {id_op(4, 4), 32},
    {id_op(4, 4), 40},
    {id_op(4, 4), 44},
    {id_op(4, 4), 52},
    {id_op(4, 4), 56},
    // ID_AA64DFR0_EL1: Armv8 debug architecture with the CPU's breakpoints, watchpoints and context-aware breakpoints;
    // its PMU without what FEAT_PMUv3p9 gives to EL0; no trace, no profiling.
    {id_op(5, 0), 0, FieldRule::fixed, 6},
    {id_op(5, 0), 8, FieldRule::known, 8},
    {id_op(5, 0), 12},
    {id_op(5, 0), 20},
    {id_op(5, 0), 28},
    // ID_AA64ISAR0_EL1: everything but TME (27:24).
    {id_op(6, 0), 4},
    {id_op(6, 0), 8},
    {id_op(6, 0), 12},
    {id_op(6, 0), 16},
    {id_op(6, 0), 20},
    {id_op(6, 0), 28},
    {id_op(6, 0), 32},
    {id_op(6, 0), 36},
    {id_op(6, 0), 40},
    {id_op(6, 0), 44},
    {id_op(6, 0), 48},
    {id_op(6, 0), 52},
    {id_op(6, 0), 56},
    {id_op(6, 0), 60},
    // ID_AA64ISAR1_EL1: all but LS64 (63:60, needs HCRX_EL2) and XS (59:56, likewise).
    {id_op(6, 1), 0},
    {id_op(6, 1), 4},
    {id_op(6, 1), 8},
    {id_op(6, 1), 12},
    {id_op(6, 1), 16},
    {id_op(6, 1), 20},
    {id_op(6, 1), 24},
    {id_op(6, 1), 28},
    {id_op(6, 1), 32},
    {id_op(6, 1), 36},
    {id_op(6, 1), 40},
    {id_op(6, 1), 44},
    {id_op(6, 1), 48},
    {id_op(6, 1), 52},
    // ID_AA64ISAR2_EL1: WFxT (3:0) is hidden because WFI traps; GPA3, APA3, BC, PAC_frac, CLRBHB pass; MOPS (19:16)
    // needs HCRX_EL2.
    {id_op(6, 2), 4},
    {id_op(6, 2), 8},
    {id_op(6, 2), 12},
    {id_op(6, 2), 20},
    {id_op(6, 2), 24},
    {id_op(6, 2), 28},
    // ID_AA64MMFR0_EL1: PARange as the VM has it, ASIDBits, BigEnd, BigEndEL0, granules of stage 1
    // without the 52-bit addresses of LPA2; ExS, FGT, ECV stay 0.
    {id_op(7, 0), 0, FieldRule::at_most, 5},
    {id_op(7, 0), 4},
    {id_op(7, 0), 8},
    {id_op(7, 0), 16},
    {id_op(7, 0), 20, FieldRule::at_most, 1},
    {id_op(7, 0), 24, FieldRule::pass_signed},
    {id_op(7, 0), 28, FieldRule::at_most, 0},
    // ID_AA64MMFR1_EL1: HAFDBS, HPDS, PAN, XNX-free; VMIDBits, VH, LO, TWED, HCX, TIDCP1, CMOW stay 0. ETS passes.
    {id_op(7, 1), 0, FieldRule::at_most, 2},
    {id_op(7, 1), 12},
    {id_op(7, 1), 20},
    {id_op(7, 1), 36},
    // ID_AA64MMFR2_EL1: CnP, UAO, LSM, IESB-free, VARange, AT, IDS-free, TTL, BBM, E0PD. NV, ST, FWB, EVT, CCIDX pass
    // or stay 0 as
    // they concern EL2 or not.
    {id_op(7, 2), 0},
    {id_op(7, 2), 4},
    {id_op(7, 2), 8},
    {id_op(7, 2), 16},
    {id_op(7, 2), 20},
    {id_op(7, 2), 28},
    {id_op(7, 2), 32},
    {id_op(7, 2), 48},
    {id_op(7, 2), 52},
    {id_op(7, 2), 60},
});

// ID registers of AArch32 (CRm 1..3): what EL0 may run. They pass but for the debug ones: ID_DFR0 (no PMU, no trace).
constexpr bool passes_whole(unsigned op) {
  const unsigned crm = op / 8;
  return crm >= 1 && crm <= 3 && op != id_op(1, 2) && op != id_op(1, 3) && op != id_op(3, 5);
}

inline constexpr size_t id_register_count = 64;
using IdRegisters = std::array<uint64_t, id_register_count>;

constexpr uint64_t get_id_field(uint64_t word, unsigned low) { return word >> low & 0xf; }
constexpr uint64_t set_id_field(uint64_t word, unsigned low, uint64_t value) {
  return (word & ~(uint64_t{0xf} << low)) | value << low;
}

// What one CPU lets a guest see; `raw` holds its registers by op.
constexpr IdRegisters filter_id_registers(const IdRegisters& raw) {
  IdRegisters shown{};
  for (unsigned op = 0; op < id_register_count; ++op) {
    if (passes_whole(op)) shown[op] = raw[op];
  }
  // ID_PFR1_EL1: no Security, no Virtualization, nor their fractions, as there is no EL3 and no EL2.
  shown[id_op(1, 1)] &= ~uint64_t{0x0ff0'f0f0};
  for (const IdField& field : id_fields) {
    uint64_t value = get_id_field(raw[field.op], field.low);
    const bool absent = field.value == 0 && value == 0xf;
    if (field.rule == FieldRule::at_most && !absent) value = std::min<uint64_t>(value, field.value);
    if (field.rule == FieldRule::known) value = value == 0xf ? 0 : std::min<uint64_t>(value, field.value);
    if (field.rule == FieldRule::fixed) value = field.value;
    shown[field.op] = set_id_field(shown[field.op], field.low, value);
  }
  return shown;
}

// What guests see on a machine whose CPUs differ: of each field the least (D24.1.3, "Principles of the ID scheme").
constexpr IdRegisters merge_id_registers(const IdRegisters& a, const IdRegisters& b) {
  IdRegisters merged{};
  for (unsigned op = 0; op < id_register_count; ++op) {
    if (passes_whole(op)) merged[op] = a[op] & b[op];
  }
  for (const IdField& field : id_fields) {
    const uint64_t left = get_id_field(a[field.op], field.low);
    const uint64_t right = get_id_field(b[field.op], field.low);
    uint64_t least = std::min(left, right);
    const bool can_be_absent =
        field.rule == FieldRule::pass_signed || (field.rule == FieldRule::at_most && field.value == 0);
    if (can_be_absent && (left == 0xf || right == 0xf)) least = 0xf;
    merged[field.op] = set_id_field(merged[field.op], field.low, least);
  }
  return merged;
}

// The features of these registers that a VM may have to do without though the CPUs have them.
struct HiddenFeatures {
  bool sve = false;
  bool pmu = false;
};
constexpr IdRegisters hide_features(IdRegisters shown, HiddenFeatures hidden) {
  if (hidden.sve) {
    shown[id_op(4, 0)] = set_id_field(shown[id_op(4, 0)], 32, 0);
    shown[id_op(4, 4)] = 0;
  }
  if (hidden.pmu) shown[id_op(5, 0)] = set_id_field(shown[id_op(5, 0)], 8, 0);
  return shown;
}

}  // namespace arch::regs
