// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reference 3.1: our encoders against clang's assembler (encodings.S, same order).
#include "check.hpp"
#include "insn.hpp"
#include "tests.hpp"

extern "C" const probe::u32 assembled[];
extern "C" const probe::u32 assembled_end[];

namespace probe {
namespace {

using namespace insn;

struct Row {
  const char* name;
  Word word;
};

constexpr Row rows[] = {
    {"nop", nop},
    {"ibar", ibar},
    {"add.d", add_d(a0, a1, t0)},
    {"or", or_(a0, a1, t0)},
    {"and", and_(a0, a1, t0)},
    {"addi.d", addi_d(s8, ra, -7)},
    {"ori", ori(a0, a1, 0x7ff)},
    {"ld.b", ld_b(a0, a1, -4)},
    {"ld.h", ld_h(a0, a1, -4)},
    {"ld.w", ld_w(a0, a1, -4)},
    {"ld.d", ld_d(a0, a1, 8)},
    {"st.b", st_b(a0, a1, 8)},
    {"st.h", st_h(a0, a1, 8)},
    {"st.w", st_w(a0, a1, 8)},
    {"st.d", st_d(a0, a1, 8)},
    {"ld.bu", ld_bu(a0, a1, 8)},
    {"ld.hu", ld_hu(a0, a1, 8)},
    {"ld.wu", ld_wu(a0, a1, 8)},
    {"ll.d", ll_d(a0, a1, 16)},
    {"sc.d", sc_d(a0, a1, -16)},
    {"ldptr.d", ldptr_d(a0, a1, 16)},
    {"stptr.d", stptr_d(a0, a1, 16)},
    {"ldx.d", ldx_d(a0, a1, t0)},
    {"stx.d", stx_d(a0, a1, t0)},
    {"amadd_db.d", amadd_db_d(a0, a1, t0)},
    {"bnez", bnez(t0, -8)},
    {"beqz", beqz(t0, 12)},
    {"bltu", bltu(t0, a0, -4)},
    {"b", b(-4)},
    {"jirl", jirl(ra, t0)},
    {"syscall", syscall(3)},
    {"break", break_(4)},
    {"hvcl", hvcl(0x7fff)},
    {"csrrd", csrrd(a0, 0x50)},
    {"csrwr", csrwr(a0, 0x502)},
    {"csrxchg", csrxchg(a0, t0, 0x5)},
    {"gcsrrd", gcsrrd(a0, 0x50)},
    {"gcsrwr", gcsrwr(a0, 0x183)},
    {"gcsrxchg", gcsrxchg(a0, t0, 0x5)},
    {"cpucfg", cpucfg(a0, a1)},
    {"rdtimel.w", rdtimel_w(a0, a1)},
    {"rdtimeh.w", rdtimeh_w(a0, a1)},
    {"rdtime.d", rdtime_d(a0, a1)},
    {"iocsrrd.b", iocsrrd(Size::b, a0, a1)},
    {"iocsrrd.h", iocsrrd(Size::h, a0, a1)},
    {"iocsrrd.w", iocsrrd(Size::w, a0, a1)},
    {"iocsrrd.d", iocsrrd(Size::d, a0, a1)},
    {"iocsrwr.b", iocsrwr(Size::b, a0, a1)},
    {"iocsrwr.h", iocsrwr(Size::h, a0, a1)},
    {"iocsrwr.w", iocsrwr(Size::w, a0, a1)},
    {"iocsrwr.d", iocsrwr(Size::d, a0, a1)},
    {"cacop", cacop(9, a1, 32)},
    {"idle", idle(0)},
    {"ertn", ertn},
    {"tlbclr", tlbclr},
    {"tlbflush", tlbflush},
    {"gtlbflush", gtlbflush},
    {"tlbsrch", tlbsrch},
    {"tlbrd", tlbrd},
    {"tlbwr", tlbwr},
    {"tlbfill", tlbfill},
    {"invtlb", invtlb(0x16, a0, a1)},
    {"lddir", lddir(a0, a1, 3)},
    {"ldpte", ldpte(a0, 1)},
    {"fadd.d", fadd_d_f0_f0_f0},
    {"fdiv.d", fdiv_d_f0_f1_f2},
    {"movgr2fr.d", movgr2fr_d(3, a0)},
    {"movfr2gr.d", movfr2gr_d(a0, 3)},
    {"movgr2fcsr", movgr2fcsr0(a0)},
    {"vld", vld(1, a0, 16)},
    {"vst", vst(1, a0, 16)},
    {"xvld", xvld(1, a0, 32)},
    {"xvst", xvst(1, a0, 32)},
};

constexpr size_t count = sizeof(rows) / sizeof(*rows);

}  // namespace

void test_encodings() {
  if (!group("encodings")) return;
  equal(static_cast<u64>(assembled_end - assembled), count, "as many as the assembler's");
  for (size_t i = 0; i < count; ++i) {
    // A check per row would only repeat the assembler's work in the count: report the rows that differ.
    if (rows[i].word != assembled[i]) equal(rows[i].word, assembled[i], rows[i].name);
  }
  pass_if(true, "every encoder agrees with the assembler unless listed above", "");
}

}  // namespace probe
