// SPDX-License-Identifier: GPL-2.0-or-later
//
// CSR numbers (LoongArch manual volume 1, chapter 7; reference sections 2 and 4) and access to both banks.
#pragma once

#include "types.hpp"

namespace probe::csr {

enum : unsigned {
  crmd = 0x0,
  prmd = 0x1,
  euen = 0x2,
  misc = 0x3,
  ecfg = 0x4,
  estat = 0x5,
  era = 0x6,
  badv = 0x7,
  badi = 0x8,
  eentry = 0xC,
  tlbidx = 0x10,
  tlbehi = 0x11,
  tlbelo0 = 0x12,
  tlbelo1 = 0x13,
  gtlbc = 0x15,
  trgp = 0x16,
  asid = 0x18,
  pgdl = 0x19,
  pgdh = 0x1A,
  pgd = 0x1B,
  pwcl = 0x1C,
  pwch = 0x1D,
  stlbps = 0x1E,
  rvacfg = 0x1F,
  cpuid = 0x20,
  prcfg1 = 0x21,
  prcfg2 = 0x22,
  prcfg3 = 0x23,
  save0 = 0x30,
  tid = 0x40,
  tcfg = 0x41,
  tval = 0x42,
  cntc = 0x43,
  ticlr = 0x44,
  gstat = 0x50,
  gcfg = 0x51,
  gintc = 0x52,
  gcntc = 0x53,
  llbctl = 0x60,
  impctl1 = 0x80,
  impctl2 = 0x81,
  tlbrentry = 0x88,
  tlbrbadv = 0x89,
  tlbrera = 0x8A,
  tlbrsave = 0x8B,
  tlbrelo0 = 0x8C,
  tlbrelo1 = 0x8D,
  tlbrehi = 0x8E,
  tlbrprmd = 0x8F,
  merrctl = 0x90,
  ctag = 0x98,
  dmw0 = 0x180,
  dmw1 = 0x181,
  dmw2 = 0x182,
  dmw3 = 0x183,
  perfctrl0 = 0x200,
  mwpc = 0x300,
  fwpc = 0x380,
  dbg = 0x500,
};

// CRMD
constexpr u64 crmd_ie = 1 << 2;
constexpr u64 crmd_da = 1 << 3;
constexpr u64 crmd_pg = 1 << 4;
// PRMD
constexpr u64 prmd_pie = 1 << 2;
// ESTAT
constexpr u64 is_swi0 = 1 << 0;
constexpr u64 is_timer = 1 << 11;
constexpr u64 is_ipi = 1 << 12;
constexpr u64 is_mask = 0x1FFF;
constexpr unsigned is_hwi0_bit = 2;
// GSTAT
constexpr u64 gstat_vm = 1 << 0;
constexpr u64 gstat_pvm = 1 << 1;
constexpr u64 gstat_gid(u64 gid) { return gid << 16; }
constexpr unsigned gidbit(u64 gstat) { return static_cast<unsigned>(bits(gstat, 9, 4)); }
// GTLBC
constexpr u64 gtlbc_usetgid = 1 << 12;
constexpr u64 gtlbc_toti = 1 << 13;
constexpr u64 gtlbc_tgid(u64 gid) { return gid << 16; }
// LLBCTL
constexpr u64 llb_rollb = 1 << 0;
constexpr u64 llb_wcllb = 1 << 1;
constexpr u64 llb_klo = 1 << 2;
// TLBRERA, TLBRPRMD
constexpr u64 tlbrera_istlbr = 1 << 0;
constexpr u64 tlbrprmd_pgm = 1 << 3;
// TLBIDX
constexpr u64 tlbidx_ne = u64{1} << 31;

template <unsigned Number>
inline u64 read() {
  u64 value;
  asm volatile("csrrd %0, %1" : "=r"(value) : "i"(Number) : "memory");
  return value;
}

/// Returns what the register held before.
template <unsigned Number>
inline u64 write(u64 value) {
  asm volatile("csrwr %0, %1" : "+r"(value) : "i"(Number) : "memory");
  return value;
}

/// The mask register of csrxchg must be neither r0 nor r1: those two select csrrd and csrwr.
template <unsigned Number>
inline u64 exchange(u64 value, u64 mask) {
  register u64 pinned asm("t0") = mask;
  asm volatile("csrxchg %0, %1, %2" : "+r"(value) : "r"(pinned), "i"(Number) : "memory");
  return value;
}

}  // namespace probe::csr

namespace probe::gcsr {

template <unsigned Number>
inline u64 read() {
  u64 value;
  asm volatile("gcsrrd %0, %1" : "=r"(value) : "i"(Number) : "memory");
  return value;
}

template <unsigned Number>
inline u64 write(u64 value) {
  asm volatile("gcsrwr %0, %1" : "+r"(value) : "i"(Number) : "memory");
  return value;
}

template <unsigned Number>
inline u64 exchange(u64 value, u64 mask) {
  register u64 pinned asm("t0") = mask;
  asm volatile("gcsrxchg %0, %1, %2" : "+r"(value) : "r"(pinned), "i"(Number) : "memory");
  return value;
}

}  // namespace probe::gcsr

namespace probe {

inline u64 cpucfg(u64 word) {
  u64 value;
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(word));
  return value;
}

inline bool has_lvz() { return bits(cpucfg(2), 10, 10) != 0; }

/// The stable counter (100 MHz on QEMU's virt machine; the tests use cpucfg words 4 and 5).
inline u64 now() {
  u64 value;
  asm volatile("rdtime.d %0, $zero" : "=r"(value)::"memory");
  return value;
}

inline u64 ticks_per_ms() { return cpucfg(4) * bits(cpucfg(5), 15, 0) / bits(cpucfg(5), 31, 16) / 1000; }

inline void wait_ticks(u64 ticks) {
  const u64 end = now() + ticks;
  while (now() < end) {
  }
}

inline u64 iocsr_read32(u64 address) {
  u64 value;
  asm volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(address) : "memory");
  return value & 0xFFFF'FFFF;
}

inline void iocsr_write32(u64 address, u64 value) {
  asm volatile("iocsrwr.w %0, %1" ::"r"(value), "r"(address) : "memory");
}

inline void iocsr_write64(u64 address, u64 value) {
  asm volatile("iocsrwr.d %0, %1" ::"r"(value), "r"(address) : "memory");
}

}  // namespace probe
