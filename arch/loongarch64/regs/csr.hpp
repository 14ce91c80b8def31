// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// Control and status registers (LoongArch Reference Manual volume 1, chapter 7) and those of the virtualization
// extension LVZ: numbers and the fields we touch, each once. Pure layout: reading and writing is <arch/sysreg.hpp>.
namespace arch::regs {

using hal::Field;

template <unsigned Number>
struct Csr {
  static constexpr unsigned number = Number;
};

// --- mode and exceptions ---------------------------------------------------------------------------------------------

struct crmd : Csr<0x0> {
  using plv = Field<1, 0>;
  using ie = Field<2>;
  using da = Field<3>;  // direct address translation
  using pg = Field<4>;  // mapped address translation
  using datf = Field<6, 5>;
  using datm = Field<8, 7>;
  using we = Field<9>;  // watchpoints
};
struct prmd : Csr<0x1> {
  using pplv = Field<1, 0>;
  using pie = Field<2>;
  using pwe = Field<3>;
};
struct euen : Csr<0x2> {
  using fpe = Field<0>;   // floating point
  using sxe = Field<1>;   // LSX
  using asxe = Field<2>;  // LASX
  using bte = Field<3>;   // binary translation
};
struct misc : Csr<0x3> {};
struct ecfg : Csr<0x4> {
  using lie = Field<14, 0>;  // local interrupts let through; the lines of ESTAT.IS
  using vs = Field<18, 16>;  // a vector for each exception code, 2^VS instructions apart; 0: one for all
};
struct estat : Csr<0x5> {
  using is = Field<14, 0>;
  using ecode = Field<21, 16>;
  using esubcode = Field<30, 22>;
};
struct era : Csr<0x6> {};
struct badv : Csr<0x7> {};
struct badi : Csr<0x8> {};
struct eentry : Csr<0xc> {};

// Lines of ESTAT.IS and ECFG.LIE.
struct interrupt_line {
  static constexpr unsigned swi0 = 0, hwi0 = 2, hwi7 = 9, pmi = 10, timer = 11, ipi = 12, message = 14;
};

// --- translation -----------------------------------------------------------------------------------------------------

struct tlbidx : Csr<0x10> {
  using index = Field<15, 0>;
  using ps = Field<29, 24>;
  using ne = Field<31>;
};
struct tlbehi : Csr<0x11> {};
struct tlbelo0 : Csr<0x12> {};
struct tlbelo1 : Csr<0x13> {};
struct asid : Csr<0x18> {
  using id = Field<9, 0>;
  using bits = Field<23, 16>;  // read-only
};
struct pgdl : Csr<0x19> {};
struct pgdh : Csr<0x1a> {};
struct pgd : Csr<0x1b> {};  // PGDL or PGDH, by the address that missed
struct pwcl : Csr<0x1c> {
  using pt_base = Field<4, 0>;
  using pt_width = Field<9, 5>;
  using dir1_base = Field<14, 10>;
  using dir1_width = Field<19, 15>;
  using dir2_base = Field<24, 20>;
  using dir2_width = Field<29, 25>;
  using pte_width = Field<31, 30>;  // 0: 64 bits
};
struct pwch : Csr<0x1d> {
  using dir3_base = Field<5, 0>;
  using dir3_width = Field<11, 6>;
  using dir4_base = Field<17, 12>;
  using dir4_width = Field<23, 18>;
  using hptw = Field<24>;  // hardware walks
};
struct stlbps : Csr<0x1e> {
  using ps = Field<5, 0>;
};
struct rvacfg : Csr<0x1f> {};
struct cpuid : Csr<0x20> {
  using core = Field<8, 0>;
};
struct prcfg1 : Csr<0x21> {
  using save_registers = Field<3, 0>;
  using timer_bits = Field<11, 4>;  // of TCFG's initial value, minus one
};
struct prcfg2 : Csr<0x22> {};
struct prcfg3 : Csr<0x23> {};

template <unsigned N>
struct save : Csr<0x30 + N> {};

// Refill: an exception of its own, with registers of its own.
struct tlbrentry : Csr<0x88> {};  // a physical address
struct tlbrbadv : Csr<0x89> {};
struct tlbrera : Csr<0x8a> {
  using istlbr = Field<0>;
};
struct tlbrsave : Csr<0x8b> {};
struct tlbrelo0 : Csr<0x8c> {};
struct tlbrelo1 : Csr<0x8d> {};
struct tlbrehi : Csr<0x8e> {
  using ps = Field<5, 0>;
};
struct tlbrprmd : Csr<0x8f> {
  using pplv = Field<1, 0>;
  using pie = Field<2>;
  using pgm = Field<3>;  // LVZ: it came from a guest
  using pwe = Field<4>;
};

template <unsigned N>
struct dmw : Csr<0x180 + N> {
  using plv0 = Field<0>;
  using plv3 = Field<3>;
  using mat = Field<5, 4>;
  using vseg = Field<63, 60>;
};

// --- time ------------------------------------------------------------------------------------------------------------

struct tid : Csr<0x40> {};
struct tcfg : Csr<0x41> {
  using en = Field<0>;
  using periodic = Field<1>;
  using initial = Field<63, 2>;  // in units of four ticks, as many bits as PRCFG1 says
};
struct tval : Csr<0x42> {};
struct cntc : Csr<0x43> {};
struct ticlr : Csr<0x44> {
  using clr = Field<0>;
};

// --- the rest --------------------------------------------------------------------------------------------------------

struct llbctl : Csr<0x60> {
  using rollb = Field<0>;
  using wcllb = Field<1>;  // write 1: the link of LL is gone
  using klo = Field<2>;    // keep the link over the next ertn
};
struct impctl1 : Csr<0x80> {};
struct impctl2 : Csr<0x81> {};
struct merrctl : Csr<0x90> {
  using ismerr = Field<0>;
  using pplv = Field<3, 2>;
  using pie = Field<4>;
  using pgm = Field<5>;  // LVZ: it came from a guest
};
struct merrinfo1 : Csr<0x91> {};
struct merrinfo2 : Csr<0x92> {};
struct merrentry : Csr<0x93> {};  // a physical address
struct merrera : Csr<0x94> {};
struct merrsave : Csr<0x95> {};
struct ctag : Csr<0x98> {};
struct dbg : Csr<0x500> {};
struct dera : Csr<0x501> {};
struct dsave : Csr<0x502> {};

// --- LVZ -------------------------------------------------------------------------------------------------------------

struct gtlbc : Csr<0x15> {
  using use_tgid = Field<12>;  // stage 2 is tagged by TGID
  using toti = Field<13>;      // the guest's TLB instructions trap
  using tgid = Field<23, 16>;  // of stage-2 lookups and of the TLB instructions here; 0: the hypervisor's own entries
};
struct trgp : Csr<0x16> {};
struct gstat : Csr<0x50> {
  using vm = Field<0>;
  using pvm = Field<1>;  // the next ertn enters the guest; set by every exit
  using gid_bits = Field<9, 4>;
  using gid = Field<23, 16>;  // of the guest's own (stage-1) entries; 0 is the hypervisor
};
struct gcfg : Csr<0x51> {
  using matp = Field<3, 0>;  // what MATC may be: bit 0 guest, 1 root, 2 nest
  using matc = Field<5, 4>;  // who decides memory types
  static constexpr uint64_t matc_root = 1;
  using gcip = Field<19, 16>;                // what GCI may be: bit 0 all, 1 hit, 2 secure
  using gci = Field<21, 20>;                 // which cache instructions trap
  static constexpr uint64_t gci_secure = 2;  // all but those that act on an address or an index
};
struct gintc : Csr<0x52> {
  using vip = Field<7, 0>;  // virtual HWI0 to HWI7
  using pip = Field<15, 8>;
  using hc = Field<23, 16>;
};
struct gcntc : Csr<0x53> {};

// --- ESTAT.Ecode -----------------------------------------------------------------------------------------------------

enum class Ecode : uint8_t {
  interrupt = 0x0,
  load_invalid = 0x1,   // PIL
  store_invalid = 0x2,  // PIS
  fetch_invalid = 0x3,  // PIF
  store_clean = 0x4,    // PME
  no_read = 0x5,        // PNR
  no_execute = 0x6,     // PNX
  privilege = 0x7,      // PPI
  address = 0x8,        // ADEF (subcode 0), ADEM (1)
  unaligned = 0x9,      // ALE
  bound = 0xa,          // BCE
  system_call = 0xb,    // SYS
  breakpoint = 0xc,     // BRK
  undefined = 0xd,      // INE
  privileged = 0xe,     // IPE
  no_floating_point = 0xf,
  no_lsx = 0x10,
  no_lasx = 0x11,
  floating_point = 0x12,
  watchpoint = 0x13,
  no_binary_translation = 0x14,
  sensitive = 0x16,      // GSPR (LVZ)
  hypercall = 0x17,      // HVC (LVZ)
  guest_changed = 0x18,  // GCM (LVZ)
};
inline constexpr unsigned exception_codes = 64;
// Subcodes of Ecode::address.
inline constexpr uint64_t address_of_fetch = 0, address_of_access = 1;

// --- CPUCFG: word, field ---------------------------------------------------------------------------------------------

struct cpucfg1 {
  static constexpr uint32_t word = 1;
  using physical_bits = Field<11, 4>;  // minus one
  using virtual_bits = Field<19, 12>;  // minus one
  using msgint = Field<26>;
};
struct cpucfg4 {
  static constexpr uint32_t word = 4;  // crystal frequency of the stable counter, in Hz
};
struct cpucfg5 {
  static constexpr uint32_t word = 5;
  using multiplier = Field<15, 0>;
  using divider = Field<31, 16>;
};
struct cpucfg2 {
  static constexpr uint32_t word = 2;
  using fp = Field<0>;
  using lsx = Field<6>;
  using lasx = Field<7>;
  using lvz = Field<10>;
  using lvz_version = Field<13, 11>;
  using timer = Field<14>;  // LLFTP
  using lbt = Field<20, 18>;
};

}  // namespace arch::regs
