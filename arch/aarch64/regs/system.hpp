// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// System registers that the hypervisor uses: encoding and the fields we touch, each once. Arm ARM (DDI 0487) D24.2
// unless a line says otherwise. Pure layout: reading and writing is <arch/sysreg.hpp>.
namespace arch::regs {

using hal::Field;

// A register's place in the MRS/MSR encoding space. `id` packs it into 16 bits, in the order op0:op1:CRn:CRm:op2.
constexpr uint32_t register_id(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
struct SystemRegister {
  static constexpr unsigned op0 = Op0, op1 = Op1, crn = CRn, crm = CRm, op2 = Op2;
  static constexpr uint32_t id = register_id(Op0, Op1, CRn, CRm, Op2);
};

// --- EL2: control -------------------------------------------------------------------------------------------------

struct hcr_el2 : SystemRegister<3, 4, 1, 1, 0> {
  using vm = Field<0>;        // stage 2 on
  using swio = Field<1>;      // DC ISW behaves as DC CISW
  using ptw = Field<2>;       // stage 1 walks do not reach device memory
  using fmo = Field<3>;       // physical FIQ to EL2, virtual FIQ on
  using imo = Field<4>;       // physical IRQ to EL2, virtual IRQ on
  using amo = Field<5>;       // physical SError to EL2, virtual SError on
  using vse = Field<8>;       // virtual SError pending
  using fb = Field<9>;        // broadcast TLB and instruction cache maintenance
  using bsu = Field<11, 10>;  // minimum shareability of barriers
  using twi = Field<13>;      // trap WFI
  using twe = Field<14>;      // trap WFE
  using tid1 = Field<16>;     // trap ID group 1
  using tid3 = Field<18>;     // trap ID group 3
  using tsc = Field<19>;      // trap SMC
  using tidcp = Field<20>;    // trap IMPLEMENTATION DEFINED registers
  using tacr = Field<21>;     // trap ACTLR_EL1
  using tsw = Field<22>;      // trap cache maintenance by set and way
  using rw = Field<31>;       // EL1 is AArch64
  using e2h = Field<34>;      // VHE
  using tlor = Field<35>;     // trap LORegion registers
  using terr = Field<36>;     // trap error record registers
  using apk = Field<40>;      // do not trap pointer-authentication keys
  using api = Field<41>;      // do not trap pointer-authentication instructions
};

struct sctlr_el2 : SystemRegister<3, 4, 1, 0, 0> {
  using m = Field<0>;
  using a = Field<1>;
  using c = Field<2>;
  using sa = Field<3>;
  using i = Field<12>;
  using wxn = Field<19>;
  using bt = Field<36>;  // PACIASP is not a landing pad for BR from guarded memory
  static constexpr uint64_t res1 = 0x30c5'0830;
};

struct cptr_el2 : SystemRegister<3, 4, 1, 1, 2> {
  using tz = Field<8>;      // trap SVE
  using tfp = Field<10>;    // trap FP and SIMD
  using tsm = Field<12>;    // trap SME
  using tta = Field<20>;    // trap trace registers
  using tam = Field<30>;    // trap activity monitors
  using tcpac = Field<31>;  // trap CPACR_EL1
  static constexpr uint64_t res1 = 0x22ff;
};

// Lengths of vectors: (LEN + 1) * 128 bits at most.
struct zcr_el1 : SystemRegister<3, 0, 1, 2, 0> {
  using len = Field<3, 0>;
};
struct zcr_el2 : SystemRegister<3, 4, 1, 2, 0> {
  using len = Field<3, 0>;
};

struct mdcr_el2 : SystemRegister<3, 4, 1, 1, 1> {
  using hpmn = Field<4, 0>;
  using tpmcr = Field<5>;
  using tpm = Field<6>;
  using tde = Field<8>;
  using tda = Field<9>;
  using tdosa = Field<10>;
  using tdra = Field<11>;
  using tpms = Field<14>;  // trap statistical profiling
  using ttrf = Field<19>;  // trap trace filter
};

// FEAT_MPAM (Arm ARM D24.7). All else zero: everything belongs to the default partition.
struct mpam2_el2 : SystemRegister<3, 4, 10, 5, 0> {
  using trapmpam1el1 = Field<48>;
  using trapmpam0el1 = Field<49>;
};
struct mpamhcr_el2 : SystemRegister<3, 4, 10, 4, 0> {
  using trap_mpamidr_el1 = Field<31>;
};
struct mpamidr_el1 : SystemRegister<3, 0, 10, 4, 4> {
  using has_hcr = Field<17>;
};

struct hstr_el2 : SystemRegister<3, 4, 1, 1, 3> {};
struct hacr_el2 : SystemRegister<3, 4, 1, 1, 7> {};
struct actlr_el2 : SystemRegister<3, 4, 1, 0, 1> {};
// FEAT_HCX: clear disables (traps) every feature that the bits would give to the guest.
struct hcrx_el2 : SystemRegister<3, 4, 1, 2, 2> {};
// FEAT_FGT
struct hfgrtr_el2 : SystemRegister<3, 4, 1, 1, 4> {};
struct hfgwtr_el2 : SystemRegister<3, 4, 1, 1, 5> {};
struct hfgitr_el2 : SystemRegister<3, 4, 1, 1, 6> {};
struct hdfgrtr_el2 : SystemRegister<3, 4, 3, 1, 4> {};
struct hdfgwtr_el2 : SystemRegister<3, 4, 3, 1, 5> {};
struct hafgrtr_el2 : SystemRegister<3, 4, 3, 1, 6> {};
// FEAT_FGT2
struct hdfgrtr2_el2 : SystemRegister<3, 4, 3, 1, 0> {};
struct hdfgwtr2_el2 : SystemRegister<3, 4, 3, 1, 1> {};
struct hfgrtr2_el2 : SystemRegister<3, 4, 3, 1, 2> {};
struct hfgwtr2_el2 : SystemRegister<3, 4, 3, 1, 3> {};
struct hfgitr2_el2 : SystemRegister<3, 4, 3, 1, 7> {};

// --- EL2: translation ---------------------------------------------------------------------------------------------

struct ttbr0_el2 : SystemRegister<3, 4, 2, 0, 0> {};
struct tcr_el2 : SystemRegister<3, 4, 2, 0, 2> {};
struct mair_el2 : SystemRegister<3, 4, 10, 2, 0> {};
struct vttbr_el2 : SystemRegister<3, 4, 2, 1, 0> {
  using vmid = Field<63, 48>;
};
struct vtcr_el2 : SystemRegister<3, 4, 2, 1, 2> {
  using t0sz = Field<5, 0>;
  using sl0 = Field<7, 6>;
  using irgn0 = Field<9, 8>;
  using orgn0 = Field<11, 10>;
  using sh0 = Field<13, 12>;
  using tg0 = Field<15, 14>;
  using ps = Field<18, 16>;
  using vs = Field<19>;  // 16-bit VMID
  static constexpr uint64_t res1 = hal::bit(31);
};

// --- EL2: exceptions ----------------------------------------------------------------------------------------------

struct vbar_el2 : SystemRegister<3, 4, 12, 0, 0> {};
struct elr_el2 : SystemRegister<3, 4, 4, 0, 1> {};
struct spsr_el2 : SystemRegister<3, 4, 4, 0, 0> {};
struct far_el2 : SystemRegister<3, 4, 6, 0, 0> {};
// The IPA of a stage-2 fault, bits [47:12] at FIPA.
struct hpfar_el2 : SystemRegister<3, 4, 6, 0, 4> {
  using fipa = Field<47, 4>;
};
struct tpidr_el2 : SystemRegister<3, 4, 13, 0, 2> {};

struct esr_el2 : SystemRegister<3, 4, 5, 2, 0> {
  using iss = Field<24, 0>;
  using il = Field<25>;
  using ec = Field<31, 26>;
};

// Saved program status, AArch64 form (C5.2.18).
struct spsr {
  using mode = Field<3, 0>;
  using nrw = Field<4>;  // taken from AArch32
  using f = Field<6>;
  using i = Field<7>;
  using a = Field<8>;
  using d = Field<9>;
  using btype = Field<11, 10>;
  using ss = Field<21>;
  using pan = Field<22>;
  using uao = Field<23>;
  using dit = Field<24>;
  static constexpr uint64_t el0t = 0, el1t = 4, el1h = 5, el2h = 9;
  static constexpr uint64_t daif = hal::bit(9) | hal::bit(8) | hal::bit(7) | hal::bit(6);
  static constexpr uint64_t nzcv = 0xf000'0000;
  static constexpr bool is_el0(uint64_t status) { return nrw::is_set(status) || mode::get(status) == el0t; }
};

// Exception classes that reach EL2 (ESR_ELx.EC).
enum class ExceptionClass : uint8_t {
  unknown = 0x00,
  wfx = 0x01,
  cp15_mcr_mrc = 0x03,
  cp15_mcrr_mrrc = 0x04,
  cp14_mcr_mrc = 0x05,
  cp14_ldc_stc = 0x06,
  fp_simd = 0x07,
  fp_id = 0x08,
  pointer_authentication = 0x09,
  cp14_mrrc = 0x0c,
  illegal_state = 0x0e,
  svc32 = 0x11,
  hvc32 = 0x12,
  smc32 = 0x13,
  svc64 = 0x15,
  hvc64 = 0x16,
  smc64 = 0x17,
  system_register = 0x18,
  sve = 0x19,
  eret = 0x1a,
  sme = 0x1d,
  instruction_abort_lower = 0x20,
  instruction_abort_same = 0x21,
  pc_alignment = 0x22,
  data_abort_lower = 0x24,
  data_abort_same = 0x25,
  sp_alignment = 0x26,
  fp64 = 0x2c,
  serror = 0x2f,
  breakpoint_lower = 0x30,
  step_lower = 0x32,
  watchpoint_lower = 0x34,
  brk = 0x3c,
};

// ISS of a data or instruction abort (D24.2.40, "ISS encoding for an exception from a Data Abort").
struct abort_iss {
  using fsc = Field<5, 0>;
  using wnr = Field<6>;
  using s1ptw = Field<7>;
  using cm = Field<8>;
  using ea = Field<9>;
  using fnv = Field<10>;
  using ar = Field<14>;
  using sf = Field<15>;
  using srt = Field<20, 16>;
  using sse = Field<21>;
  using sas = Field<23, 22>;
  using isv = Field<24>;
  // FSC values: the low two bits of the first three give the level.
  static constexpr uint64_t translation = 0b000100, access_flag = 0b001000, permission = 0b001100;
  static constexpr uint64_t level_mask = 0b11;
  static constexpr uint64_t external = 0b010000, alignment = 0b100001;
};

// ISS of a trapped MSR, MRS or system instruction.
struct system_iss {
  using read = Field<0>;
  using crm = Field<4, 1>;
  using rt = Field<9, 5>;
  using crn = Field<13, 10>;
  using op1 = Field<16, 14>;
  using op2 = Field<19, 17>;
  using op0 = Field<21, 20>;
};

// ISS of HVC and SMC in AArch64 state.
struct call_iss {
  using immediate = Field<15, 0>;
};

// ISS of a trapped WFI or WFE.
struct wfx_iss {
  using ti = Field<1, 0>;  // 0 WFI, 1 WFE, 2 WFIT, 3 WFET
};

// --- EL2: timers (D12) --------------------------------------------------------------------------------------------

struct cnthctl_el2 : SystemRegister<3, 4, 14, 1, 0> {
  using el1pcten = Field<0>;  // guest reads the physical counter
  using el1pcen = Field<1>;   // guest uses the physical timer
};
struct cntvoff_el2 : SystemRegister<3, 4, 14, 0, 3> {};
struct cnthp_ctl_el2 : SystemRegister<3, 4, 14, 2, 1> {};
struct cnthp_cval_el2 : SystemRegister<3, 4, 14, 2, 2> {};
struct cntfrq_el0 : SystemRegister<3, 3, 14, 0, 0> {};
struct cntpct_el0 : SystemRegister<3, 3, 14, 0, 1> {};
struct cntpctss_el0 : SystemRegister<3, 3, 14, 0, 5> {};  // FEAT_ECV: the same, in program order
struct cntvct_el0 : SystemRegister<3, 3, 14, 0, 2> {};
struct cntp_tval_el0 : SystemRegister<3, 3, 14, 2, 0> {};
struct cntp_ctl_el0 : SystemRegister<3, 3, 14, 2, 1> {};
struct cntp_cval_el0 : SystemRegister<3, 3, 14, 2, 2> {};
struct cntv_ctl_el0 : SystemRegister<3, 3, 14, 3, 1> {};
struct cntv_cval_el0 : SystemRegister<3, 3, 14, 3, 2> {};
struct cntkctl_el1 : SystemRegister<3, 0, 14, 1, 0> {};
// Any CNTx_CTL register.
struct timer_control {
  using enable = Field<0>;
  using imask = Field<1>;
  using istatus = Field<2>;
};

// --- EL1 and EL0: what a guest owns -------------------------------------------------------------------------------

struct sctlr_el1 : SystemRegister<3, 0, 1, 0, 0> {
  using e0e = Field<24>;
  using ee = Field<25>;
  using m = Field<0>;
  static constexpr uint64_t res1 = 0x30d0'0800;  // bits that are RES1 on a CPU without any optional feature
};
struct actlr_el1 : SystemRegister<3, 0, 1, 0, 1> {};
struct cpacr_el1 : SystemRegister<3, 0, 1, 0, 2> {};
struct ttbr0_el1 : SystemRegister<3, 0, 2, 0, 0> {};
struct ttbr1_el1 : SystemRegister<3, 0, 2, 0, 1> {};
struct tcr_el1 : SystemRegister<3, 0, 2, 0, 2> {
  using epd0 = Field<7>;   // no walks of TTBR0_EL1
  using epd1 = Field<23>;  // no walks of TTBR1_EL1
};
struct apiakeylo_el1 : SystemRegister<3, 0, 2, 1, 0> {};
struct apiakeyhi_el1 : SystemRegister<3, 0, 2, 1, 1> {};
struct apibkeylo_el1 : SystemRegister<3, 0, 2, 1, 2> {};
struct apibkeyhi_el1 : SystemRegister<3, 0, 2, 1, 3> {};
struct apdakeylo_el1 : SystemRegister<3, 0, 2, 2, 0> {};
struct apdakeyhi_el1 : SystemRegister<3, 0, 2, 2, 1> {};
struct apdbkeylo_el1 : SystemRegister<3, 0, 2, 2, 2> {};
struct apdbkeyhi_el1 : SystemRegister<3, 0, 2, 2, 3> {};
struct apgakeylo_el1 : SystemRegister<3, 0, 2, 3, 0> {};
struct apgakeyhi_el1 : SystemRegister<3, 0, 2, 3, 1> {};
struct spsr_el1 : SystemRegister<3, 0, 4, 0, 0> {};
struct elr_el1 : SystemRegister<3, 0, 4, 0, 1> {};
struct sp_el0 : SystemRegister<3, 0, 4, 1, 0> {};
struct sp_el1 : SystemRegister<3, 4, 4, 1, 0> {};
struct afsr0_el1 : SystemRegister<3, 0, 5, 1, 0> {};
struct afsr1_el1 : SystemRegister<3, 0, 5, 1, 1> {};
struct esr_el1 : SystemRegister<3, 0, 5, 2, 0> {};
struct far_el1 : SystemRegister<3, 0, 6, 0, 0> {};
struct par_el1 : SystemRegister<3, 0, 7, 4, 0> {
  using failed = Field<0>;
  using page = Field<47, 12>;
};
struct mair_el1 : SystemRegister<3, 0, 10, 2, 0> {};
struct amair_el1 : SystemRegister<3, 0, 10, 3, 0> {};
struct vbar_el1 : SystemRegister<3, 0, 12, 0, 0> {};
struct contextidr_el1 : SystemRegister<3, 0, 13, 0, 1> {};
struct tpidr_el1 : SystemRegister<3, 0, 13, 0, 4> {};
struct tpidr_el0 : SystemRegister<3, 3, 13, 0, 2> {};
struct tpidrro_el0 : SystemRegister<3, 3, 13, 0, 3> {};
struct tpidr2_el0 : SystemRegister<3, 3, 13, 0, 5> {};
struct csselr_el1 : SystemRegister<3, 2, 0, 0, 0> {};
struct mdscr_el1 : SystemRegister<2, 0, 0, 2, 2> {
  using ss = Field<0>;
  using tdcc = Field<12>;
  using kde = Field<13>;
  using mde = Field<15>;  // breakpoints and watchpoints are on
};
struct oslar_el1 : SystemRegister<2, 0, 1, 0, 4> {
  using oslk = Field<0>;
};
struct oslsr_el1 : SystemRegister<2, 0, 1, 1, 4> {
  using oslk = Field<1>;
  using oslm = Field<3>;  // the OS lock is implemented
};

// Breakpoints and watchpoints, value and control, by number (D24.3).
template <unsigned N>
struct dbgbvr_el1 : SystemRegister<2, 0, 0, N, 4> {};
template <unsigned N>
struct dbgbcr_el1 : SystemRegister<2, 0, 0, N, 5> {};
template <unsigned N>
struct dbgwvr_el1 : SystemRegister<2, 0, 0, N, 6> {};
template <unsigned N>
struct dbgwcr_el1 : SystemRegister<2, 0, 0, N, 7> {};
struct dbgbcr {
  using e = Field<0>;
  using bt = Field<23, 20>;  // from 8 on it compares a VMID, or CONTEXTIDR_EL2
};
struct osdlr_el1 : SystemRegister<2, 0, 1, 3, 4> {};
struct disr_el1 : SystemRegister<3, 0, 12, 1, 1> {
  using iss = Field<24, 0>;
  using a = Field<31>;  // an SError was deferred
};
struct isr_el1 : SystemRegister<3, 0, 12, 1, 0> {
  using a = Field<8>;  // a physical SError is pending
};
// What EL1 finds in DISR_EL1 while HCR_EL2.AMO is set (D24.2.40).
struct vdisr_el2 : SystemRegister<3, 4, 12, 1, 1> {};
struct vmpidr_el2 : SystemRegister<3, 4, 0, 0, 5> {};
struct vpidr_el2 : SystemRegister<3, 4, 0, 0, 0> {};
struct fpcr : SystemRegister<3, 3, 4, 4, 0> {};
struct fpsr : SystemRegister<3, 3, 4, 4, 1> {};

// --- Identification -----------------------------------------------------------------------------------------------

struct midr_el1 : SystemRegister<3, 0, 0, 0, 0> {};
struct mpidr_el1 : SystemRegister<3, 0, 0, 0, 5> {
  using aff0 = Field<7, 0>;
  using aff1 = Field<15, 8>;
  using aff2 = Field<23, 16>;
  using aff3 = Field<39, 32>;
  static constexpr uint64_t affinity = 0xff'00ff'ffff;
  static constexpr uint64_t res1 = hal::bit(31);
};
struct dczid_el0 : SystemRegister<3, 3, 0, 0, 7> {
  using bs = hal::Field<3, 0>;  // words that DC ZVA zeroes, as a power of two
  using dzp = hal::Field<4>;    // DC ZVA is prohibited
};
struct ctr_el0 : SystemRegister<3, 3, 0, 0, 1> {
  using iminline = Field<3, 0>;    // log2 of words
  using dminline = Field<19, 16>;  // log2 of words
};
struct id_aa64pfr0_el1 : SystemRegister<3, 0, 0, 4, 0> {
  using fp = Field<19, 16>;
  using gic = Field<27, 24>;
  using ras = Field<31, 28>;
  using sve = Field<35, 32>;
  using mpam = Field<43, 40>;
  using amu = Field<47, 44>;
};
struct id_aa64pfr1_el1 : SystemRegister<3, 0, 0, 4, 1> {
  using bt = Field<3, 0>;
  using mpam_frac = Field<19, 16>;
  using sme = Field<27, 24>;
};
struct id_aa64dfr0_el1 : SystemRegister<3, 0, 0, 5, 0> {
  using debugver = Field<3, 0>;
  using pmuver = Field<11, 8>;
  using brps = Field<15, 12>;
  using wrps = Field<23, 20>;
  using ctx_cmps = Field<31, 28>;
  using pmsver = Field<35, 32>;
};
struct id_aa64isar0_el1 : SystemRegister<3, 0, 0, 6, 0> {
  using rndr = Field<63, 60>;
};
struct id_aa64isar1_el1 : SystemRegister<3, 0, 0, 6, 1> {
  using apa = Field<7, 4>;
  using api = Field<11, 8>;
  using gpa = Field<27, 24>;
  using gpi = Field<31, 28>;
};
struct id_aa64isar2_el1 : SystemRegister<3, 0, 0, 6, 2> {
  using gpa3 = Field<11, 8>;
  using apa3 = Field<15, 12>;
};
struct id_aa64mmfr0_el1 : SystemRegister<3, 0, 0, 7, 0> {
  using parange = Field<3, 0>;
  using fgt = Field<59, 56>;
  static constexpr uint64_t fgt2 = 2;
};
struct id_aa64mmfr1_el1 : SystemRegister<3, 0, 0, 7, 1> {
  using vmidbits = Field<7, 4>;
  using vh = Field<11, 8>;
  using hcx = Field<43, 40>;
};
struct id_aa64mmfr2_el1 : SystemRegister<3, 0, 0, 7, 2> {};
struct id_aa64mmfr4_el1 : SystemRegister<3, 0, 0, 7, 4> {
  using e2h0 = Field<27, 24>;
};

}  // namespace arch::regs
