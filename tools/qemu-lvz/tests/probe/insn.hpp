// SPDX-License-Identifier: GPL-2.0-or-later
//
// The instructions the tests put into guests and into the host's try buffer, as constexpr encoders, so that a test
// is one table row. test_encodings.cpp compares every one of them with what clang assembles.
#pragma once

#include "types.hpp"

namespace probe {

enum Reg : u32 {
  zero,
  ra,
  tp,
  sp,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  a6,
  a7,
  t0,
  t1,
  t2,
  t3,
  t4,
  t5,
  t6,
  t7,
  t8,
  r21,
  fp,
  s0,
  s1,
  s2,
  s3,
  s4,
  s5,
  s6,
  s7,
  s8,
};

}  // namespace probe

namespace probe::insn {

using Word = u32;

constexpr Word two(Word op, u32 rd, u32 rj) { return op | rj << 5 | rd; }
constexpr Word three(Word op, u32 rd, u32 rj, u32 rk) { return op | rk << 10 | rj << 5 | rd; }
constexpr Word imm12(Word op, u32 rd, u32 rj, int value) {
  return op | (static_cast<u32>(value) & 0xFFF) << 10 | rj << 5 | rd;
}
constexpr Word imm14(Word op, u32 rd, u32 rj, int byte_offset) {
  return op | (static_cast<u32>(byte_offset / 4) & 0x3FFF) << 10 | rj << 5 | rd;
}
constexpr Word branch21(Word op, u32 rj, int byte_offset) {
  const u32 offset = static_cast<u32>(byte_offset / 4);
  return op | (offset & 0xFFFF) << 10 | rj << 5 | (offset >> 16 & 0x1F);
}

constexpr Word nop = 0x03400000;
constexpr Word undefined = 0x00000000;
constexpr Word ibar = 0x38728000;

constexpr Word add_d(Reg rd, Reg rj, Reg rk) { return three(0x00108000, rd, rj, rk); }
constexpr Word or_(Reg rd, Reg rj, Reg rk) { return three(0x00150000, rd, rj, rk); }
constexpr Word and_(Reg rd, Reg rj, Reg rk) { return three(0x00148000, rd, rj, rk); }
constexpr Word addi_d(Reg rd, Reg rj, int value) { return imm12(0x02C00000, rd, rj, value); }
constexpr Word ori(Reg rd, Reg rj, int value) { return imm12(0x03800000, rd, rj, value); }

constexpr Word ld_b(Reg rd, Reg rj, int at) { return imm12(0x28000000, rd, rj, at); }
constexpr Word ld_h(Reg rd, Reg rj, int at) { return imm12(0x28400000, rd, rj, at); }
constexpr Word ld_w(Reg rd, Reg rj, int at) { return imm12(0x28800000, rd, rj, at); }
constexpr Word ld_d(Reg rd, Reg rj, int at) { return imm12(0x28C00000, rd, rj, at); }
constexpr Word st_b(Reg rd, Reg rj, int at) { return imm12(0x29000000, rd, rj, at); }
constexpr Word st_h(Reg rd, Reg rj, int at) { return imm12(0x29400000, rd, rj, at); }
constexpr Word st_w(Reg rd, Reg rj, int at) { return imm12(0x29800000, rd, rj, at); }
constexpr Word st_d(Reg rd, Reg rj, int at) { return imm12(0x29C00000, rd, rj, at); }
constexpr Word ld_bu(Reg rd, Reg rj, int at) { return imm12(0x2A000000, rd, rj, at); }
constexpr Word ld_hu(Reg rd, Reg rj, int at) { return imm12(0x2A400000, rd, rj, at); }
constexpr Word ld_wu(Reg rd, Reg rj, int at) { return imm12(0x2A800000, rd, rj, at); }
constexpr Word ll_d(Reg rd, Reg rj, int at) { return imm14(0x22000000, rd, rj, at); }
constexpr Word sc_d(Reg rd, Reg rj, int at) { return imm14(0x23000000, rd, rj, at); }
constexpr Word ldptr_d(Reg rd, Reg rj, int at) { return imm14(0x26000000, rd, rj, at); }
constexpr Word stptr_d(Reg rd, Reg rj, int at) { return imm14(0x27000000, rd, rj, at); }
constexpr Word ldx_d(Reg rd, Reg rj, Reg rk) { return three(0x380C0000, rd, rj, rk); }
constexpr Word stx_d(Reg rd, Reg rj, Reg rk) { return three(0x381C0000, rd, rj, rk); }
constexpr Word amadd_db_d(Reg rd, Reg rk, Reg rj) { return three(0x386A8000, rd, rj, rk); }

constexpr Word bnez(Reg rj, int offset) { return branch21(0x44000000, rj, offset); }
constexpr Word beqz(Reg rj, int offset) { return branch21(0x40000000, rj, offset); }
constexpr Word bltu(Reg rj, Reg rd, int offset) {
  return 0x68000000 | (static_cast<u32>(offset / 4) & 0xFFFF) << 10 | rj << 5 | rd;
}
constexpr Word b(int offset) {
  const u32 words = static_cast<u32>(offset / 4);
  return 0x50000000 | (words & 0xFFFF) << 10 | (words >> 16 & 0x3FF);
}
constexpr Word jirl(Reg rd, Reg rj) { return two(0x4C000000, rd, rj); }

constexpr Word syscall(u32 code) { return 0x002B0000 | code; }
constexpr Word break_(u32 code) { return 0x002A0000 | code; }
constexpr Word hvcl(u32 code) { return 0x002B8000 | code; }

constexpr Word csrrd(Reg rd, unsigned number) { return 0x04000000 | number << 10 | rd; }
constexpr Word csrwr(Reg rd, unsigned number) { return 0x04000020 | number << 10 | rd; }
constexpr Word csrxchg(Reg rd, Reg mask, unsigned number) { return 0x04000000 | number << 10 | mask << 5 | rd; }
constexpr Word gcsrrd(Reg rd, unsigned number) { return 0x05000000 | number << 10 | rd; }
constexpr Word gcsrwr(Reg rd, unsigned number) { return 0x05000020 | number << 10 | rd; }
constexpr Word gcsrxchg(Reg rd, Reg mask, unsigned number) { return 0x05000000 | number << 10 | mask << 5 | rd; }

constexpr Word cpucfg(Reg rd, Reg rj) { return two(0x00006C00, rd, rj); }
constexpr Word rdtimel_w(Reg rd, Reg id) { return two(0x00006000, rd, id); }
constexpr Word rdtimeh_w(Reg rd, Reg id) { return two(0x00006400, rd, id); }
constexpr Word rdtime_d(Reg rd, Reg id) { return two(0x00006800, rd, id); }

enum class Size : u32 { b, h, w, d };
constexpr Word iocsrrd(Size size, Reg rd, Reg rj) { return two(0x06480000 | static_cast<u32>(size) << 10, rd, rj); }
constexpr Word iocsrwr(Size size, Reg rd, Reg rj) { return two(0x06481000 | static_cast<u32>(size) << 10, rd, rj); }

constexpr Word cacop(u32 code, Reg rj, int at) { return imm12(0x06000000, code, rj, at); }
constexpr Word idle(u32 level) { return 0x06488000 | level; }
constexpr Word ertn = 0x06483800;

constexpr Word tlbclr = 0x06482000, gtlbclr = 0x06482001;
constexpr Word tlbflush = 0x06482400, gtlbflush = 0x06482401;
constexpr Word tlbsrch = 0x06482800, gtlbsrch = 0x06482801;
constexpr Word tlbrd = 0x06482C00, gtlbrd = 0x06482C01;
constexpr Word tlbwr = 0x06483000, gtlbwr = 0x06483001;
constexpr Word tlbfill = 0x06483400, gtlbfill = 0x06483401;
constexpr Word invtlb(u32 op, Reg rj, Reg rk) { return three(0x06498000, op, rj, rk); }
constexpr Word lddir(Reg rd, Reg rj, u32 level) { return 0x06400000 | level << 10 | rj << 5 | rd; }
constexpr Word ldpte(Reg rj, u32 odd) { return 0x06440000 | odd << 10 | rj << 5; }

constexpr Word fadd_d_f0_f0_f0 = 0x01010000;
constexpr Word fdiv_d_f0_f1_f2 = 0x01070820;
constexpr Word movgr2fr_d(u32 fd, Reg rj) { return two(0x0114A800, fd, rj); }
constexpr Word movfr2gr_d(Reg rd, u32 fj) { return two(0x0114B800, rd, fj); }
constexpr Word movgr2fcsr0(Reg rj) { return two(0x0114C000, 0, rj); }
constexpr Word vld(u32 vd, Reg rj, int at) { return imm12(0x2C000000, vd, rj, at); }
constexpr Word vst(u32 vd, Reg rj, int at) { return imm12(0x2C400000, vd, rj, at); }
constexpr Word xvld(u32 xd, Reg rj, int at) { return imm12(0x2C800000, xd, rj, at); }
constexpr Word xvst(u32 xd, Reg rj, int at) { return imm12(0x2CC00000, xd, rj, at); }

}  // namespace probe::insn
