// SPDX-License-Identifier: GPL-2.0-or-later
//
// Identity (reference 1, 4.3) and the CSRs LVZ adds to the host (reference 2).
#include "check.hpp"
#include "csr.hpp"
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Field {
  const char* name;
  unsigned number;
  u64 field;
};

constexpr Field writable[] = {
    {"GTLBC.USETGID", csr::gtlbc, csr::gtlbc_usetgid},
    {"GTLBC.TOTI", csr::gtlbc, csr::gtlbc_toti},
    {"GTLBC.TGID", csr::gtlbc, 0xFF << 16},
    {"GINTC.VIP", csr::gintc, 0xFF},
    {"GINTC.PIP", csr::gintc, 0xFF << 8},
    {"GINTC.HC", csr::gintc, 0xFF << 16},
    {"GCNTC", csr::gcntc, ~u64{0}},
};

/// A trap option and the read-only bit that offers it (reference 2.5).
struct Option {
  const char* name;
  unsigned offered_bit;
};

constexpr Option options[] = {{"SIT", 6}, {"TIT", 8}, {"TOE", 10}, {"TOP", 12}, {"TORU", 14}};
constexpr u64 gcfg_capabilities = 0xF | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 14 | 7 << 16 | 1 << 23;

u64 write_and_read(unsigned number, u64 value) {
  static_cast<void>(try_host(csrwr(a0, number), value));
  return try_host(csrrd(a0, number)).a0;
}

void check_gstat() {
  const u64 before = csr::read<csr::gstat>();
  const u64 gid_mask = ((u64{1} << csr::gidbit(before)) - 1) << 16;
  equal(before & csr::gstat_vm, 0, "GSTAT.VM reads 0 in the host");
  csr::write<csr::gstat>(~csr::gstat_pvm);
  const u64 ones = csr::read<csr::gstat>();
  equal(ones & csr::gstat_vm, 0, "GSTAT.VM cannot be written");
  equal(bits(ones, 9, 4), bits(before, 9, 4), "GSTAT.GIDBIT cannot be written to ones");
  equal(ones & gid_mask, gid_mask, "GSTAT.GID holds every implemented bit");
  csr::write<csr::gstat>(0);
  equal(csr::read<csr::gstat>(), bits(before, 9, 4) << 4, "GSTAT.GIDBIT cannot be written to zeros");
  csr::write<csr::gstat>(csr::gstat_pvm);
  equal(csr::read<csr::gstat>() & csr::gstat_pvm, csr::gstat_pvm, "GSTAT.PVM can be set");
  csr::exchange<csr::gstat>(0, csr::gstat_pvm);
  equal(csr::read<csr::gstat>() & csr::gstat_pvm, 0, "GSTAT.PVM can be cleared");
  for (u64 gid = 1; gid < 256; gid <<= 1) {
    csr::exchange<csr::gstat>(csr::gstat_gid(gid), csr::gstat_gid(0xFF));
    if (gid_mask >> 16 & gid) {
      if (bits(csr::read<csr::gstat>(), 23, 16) != gid) pass_if(false, "GSTAT.GID bit by bit", "the bit written");
    }
  }
  pass_if(true, "GSTAT.GID bits are independent unless listed above", "");
  csr::write<csr::gstat>(0);
}

void check_gcfg() {
  csr::write<csr::gcfg>(0);
  const u64 offered = csr::read<csr::gcfg>() & gcfg_capabilities;
  equal_in(offered, 7, 7, "GCFG.MATP offers guest, root and nest");
  equal_in(offered >> 16, 7, 7, "GCFG.GCIP offers all, hit and secure");
  csr::write<csr::gcfg>(~u64{0});
  equal(csr::read<csr::gcfg>() & gcfg_capabilities, offered, "GCFG capability bits ignore ones");
  csr::write<csr::gcfg>(0);
  equal(csr::read<csr::gcfg>() & gcfg_capabilities, offered, "GCFG capability bits ignore zeros");
  for (const auto& [name, bit] : options) {
    const u64 option = u64{2} << bit;
    csr::exchange<csr::gcfg>(option, option);
    if (offered >> bit & 1) {
      equal(csr::read<csr::gcfg>() & option, option, {"GCFG", name, "is offered and can be set"});
      csr::exchange<csr::gcfg>(0, option);
      equal(csr::read<csr::gcfg>() & option, 0, {"GCFG", name, "can be cleared"});
    } else {
      equal(csr::read<csr::gcfg>() & option, 0, {"GCFG", name, "is not offered and stays 0"});
    }
  }
  for (u64 matc = 0; matc < 3; ++matc) {
    constexpr const char* names[] = {"guest", "root", "nest"};
    csr::exchange<csr::gcfg>(matc << 4, 3 << 4);
    if (offered >> matc & 1) equal(bits(csr::read<csr::gcfg>(), 5, 4), matc, {"GCFG.MATC holds", names[matc]});
  }
  for (u64 gci = 0; gci < 3; ++gci) {
    constexpr const char* names[] = {"all", "hit", "secure"};
    csr::exchange<csr::gcfg>(gci << 20, 3 << 20);
    if (offered >> (16 + gci) & 1) equal(bits(csr::read<csr::gcfg>(), 21, 20), gci, {"GCFG.GCI holds", names[gci]});
  }
  csr::write<csr::gcfg>(0);
}

}  // namespace

void test_identity() {
  if (!group("identity")) return;
  between(csr::gidbit(csr::read<csr::gstat>()), 1, 8, "GSTAT.GIDBIT is 1 to 8");
  equal(bits(gcsr::read<csr::crmd>(), 8, 0), csr::crmd_da, "guest CRMD after reset is 8");
  equal(bits(gcsr::read<csr::asid>(), 23, 16), 10, "guest ASID.ASIDBITS after reset is 10");
  equal(gcsr::read<csr::prcfg1>(), csr::read<csr::prcfg1>(), "guest PRCFG1 after reset is the host's");
  equal(gcsr::read<csr::prcfg2>(), csr::read<csr::prcfg2>(), "guest PRCFG2 after reset is the host's");
  equal(gcsr::read<csr::prcfg3>(), csr::read<csr::prcfg3>(), "guest PRCFG3 after reset is the host's");
  equal(gcsr::read<csr::tcfg>() & 1, 0, "guest timer is off after reset");
  equal(gcsr::read<csr::euen>() & 0xF, 0, "guest EUEN after reset is 0");
}

void test_host_csrs() {
  if (!group("host-csrs")) return;
  check_gstat();
  for (const auto& [name, number, field] : writable) {
    constexpr u64 patterns = 0x5A5A'A5A5'5A5A'A5A5;
    equal(write_and_read(number, field) & field, field, {name, "holds ones"});
    equal(write_and_read(number, patterns & field) & field, patterns & field, {name, "holds a pattern"});
    equal(write_and_read(number, 0) & field, 0, {name, "holds zeros"});
  }
  csr::write<csr::gintc>(0x01);
  csr::write<csr::gintc>(csr::read<csr::gintc>() | 0x80);
  equal(csr::read<csr::gintc>() & 0xFF, 0x81, "GINTC.VIP read-modify-write keeps the other lines");
  csr::write<csr::gintc>(0);
  check_gcfg();
}

void test_host_bad_use() {
  if (!group("host-bad-use")) return;
  equal(try_host(hvcl(0)).ecode, ecode::ine, "hvcl in the host raises INE");
  equal(try_host(hvcl(0x7FFF)).badi, hvcl(0x7FFF), "hvcl in the host leaves its word in BADI");
  constexpr struct {
    const char* name;
    Word word;
  } privileged[] = {
      {"gcsrrd", gcsrrd(a0, csr::crmd)},
      {"gcsrwr", gcsrwr(a0, csr::save0)},
      {"gcsrxchg", gcsrxchg(a0, a1, csr::save0)},
      {"gtlbclr", gtlbclr},
      {"gtlbflush", gtlbflush},
      {"gtlbsrch", gtlbsrch},
      {"gtlbrd", gtlbrd},
      {"gtlbwr", gtlbwr},
      {"gtlbfill", gtlbfill},
      {"invtlb 0x12", invtlb(0x12, zero, zero)},
      {"invtlb 0x16", invtlb(0x16, a0, a1)},
      {"csrrd GSTAT", csrrd(a0, csr::gstat)},
      {"csrwr GSTAT", csrwr(a0, csr::gstat)},
      {"csrrd GINTC", csrrd(a0, csr::gintc)},
      {"csrxchg GTLBC", csrxchg(a0, a1, csr::gtlbc)},
  };
  for (const auto& [name, word] : privileged) {
    equal(try_host(word, 2, 2, 3).ecode, ecode::ipe, {name, "at host PLV3 raises IPE"});
  }
  const unsigned hvcl_plv3 = try_host(hvcl(1), 0, 0, 3).ecode;
  pass_if(hvcl_plv3 == ecode::ine || hvcl_plv3 == ecode::ipe, "hvcl at host PLV3 is refused", "INE or IPE");
  for (const u32 op : {7u, 8u, 0x17u, 0x1Fu}) {
    equal(try_host(invtlb(op, zero, zero)).ecode, ecode::ine,
          {"an undefined invtlb operation raises INE", op < 9 ? "below 9" : "above 0x16"});
  }
  // Numbers that are not in the bank: whatever the answer, the machine goes on.
  for (const unsigned number : {0x15u, 0x50u, 0x52u, 0x80u, 0x90u, 0x140u, 0x300u, 0x502u, 0x3FFFu}) {
    static_cast<void>(try_host(gcsrrd(a0, number)));
    static_cast<void>(try_host(gcsrwr(a0, number), ~u64{0}));
    static_cast<void>(try_host(gcsrxchg(a0, a1, number), 0, ~u64{0}));
  }
  pass_if(try_host(nop).none, "gcsr* on numbers outside the bank leave the host running", "no exception");
  equal(csr::read<csr::gstat>() & 3, 0, "gcsr* on GSTAT's number does not reach the host's GSTAT");
  static_cast<void>(write_and_read(csr::gtlbc, ~u64{0}));
  pass_if(try_host(tlbsrch).none, "tlbsrch with every GTLBC bit set completes", "no exception");
  csr::write<csr::gtlbc>(0);
  static_cast<void>(write_and_read(csr::gcfg, ~u64{0}));
  static_cast<void>(write_and_read(csr::gintc, ~u64{0}));
  static_cast<void>(write_and_read(csr::trgp, ~u64{0}));
  pass_if(try_host(nop).none, "all ones in GCFG, GINTC and TRGP leave the host running", "no exception");
  csr::write<csr::gcfg>(0);
  csr::write<csr::gintc>(0);
  gcsr::write<csr::tlbidx>(0x3F00FFFF);
  for (const Word word : {gtlbrd, gtlbwr, gtlbrd, gtlbsrch, gtlbfill, gtlbclr, gtlbflush}) {
    static_cast<void>(try_host(word));
  }
  pass_if(try_host(nop).none, "gtlb* with an index and page size out of range leave the host running", "no exception");
  gcsr::write<csr::tlbidx>(0);
  flush_all_tlbs();
}

}  // namespace probe
