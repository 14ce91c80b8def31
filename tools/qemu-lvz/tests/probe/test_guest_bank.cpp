// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's bank of CSRs (reference 4.1): every register holds what volume 1 lets it hold, apart from the
// host's register of the same number, and is the one the guest reads and writes without an exit.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

enum class GuestAccess { both, read };

struct Row {
  const char* name;
  unsigned number;
  u64 mask;  // bits both patterns are compared in
  u64 first, second;
  GuestAccess access = GuestAccess::both;
};

constexpr u64 all = ~u64{0};
constexpr u64 pattern = 0x0123'4567'89AB'CDEF;
constexpr u64 frame_mask = physical_mask & ~u64{0xFFF};
constexpr u64 vppn_mask = physical_mask & ~u64{0x1FFF};
constexpr u64 elo_mask = u64{7} << 61 | frame_mask | 0x7F;
constexpr u64 elo_first = u64{5} << 61 | (pattern & frame_mask) | 0x51;
constexpr u64 elo_second = u64{2} << 61 | (~pattern & frame_mask) | 0x1F;
constexpr u64 dmw_mask = u64{0xF} << 60 | 0x39;

constexpr Row rows[] = {
    {"CRMD", csr::crmd, 0x1FF, 0xA8, 0x08},
    {"PRMD", csr::prmd, 0x7, 0x7, 0x0},
    {"EUEN", csr::euen, 0x7, 0x5, 0x2},
    {"ECFG", csr::ecfg, 0x71FFF, 0x51555, 0x20AAA},
    {"ERA", csr::era, all, pattern, ~pattern},
    {"BADV", csr::badv, all, pattern, ~pattern},
    {"BADI", csr::badi, 0xFFFF'FFFF, 0x1234'5678, 0xEDCB'A987, GuestAccess::read},
    {"EENTRY", csr::eentry, ~u64{0xFFF}, 0x9000'0000'1234'5000, 0x0000'0000'0ABC'D000},
    {"TLBIDX", csr::tlbidx, 0xBF00'07FF, 0x8C00'0005, 0x0E00'0123},
    {"TLBEHI", csr::tlbehi, vppn_mask, pattern& vppn_mask, ~pattern& vppn_mask},
    {"TLBELO0", csr::tlbelo0, elo_mask, elo_first, elo_second},
    {"TLBELO1", csr::tlbelo1, elo_mask, elo_first, elo_second},
    {"ASID", csr::asid, 0x3FF, 0x2AA, 0x155},
    {"PGDL", csr::pgdl, frame_mask, pattern& frame_mask, ~pattern& frame_mask},
    {"PGDH", csr::pgdh, frame_mask, pattern& frame_mask, ~pattern& frame_mask},
    {"PWCL", csr::pwcl, 0x3FFF'FFFF, 0x13E4'D52C, 0x2A52'94A5},
    {"PWCH", csr::pwch, 0xFF'FFFF, 0x267, 0xA5'A5A5},
    {"STLBPS", csr::stlbps, 0x3F, 14, 12},
    {"CPUID", csr::cpuid, 0x1FF, 0x01, 0xAA, GuestAccess::read},
    {"SAVE0", csr::save0 + 0, all, pattern, ~pattern},
    {"SAVE1", csr::save0 + 1, all, pattern, ~pattern},
    {"SAVE2", csr::save0 + 2, all, pattern, ~pattern},
    {"SAVE3", csr::save0 + 3, all, pattern, ~pattern},
    {"SAVE4", csr::save0 + 4, all, pattern, ~pattern},
    {"SAVE5", csr::save0 + 5, all, pattern, ~pattern},
    {"SAVE6", csr::save0 + 6, all, pattern, ~pattern},
    {"SAVE7", csr::save0 + 7, all, pattern, ~pattern},
    {"TID", csr::tid, 0xFFFF'FFFF, 0x89AB'CDEF, 0x7654'3210},
    {"TCFG", csr::tcfg, physical_mask, 0x1234'5678'9ABE, 0x0765'4321'0FF0},
    {"CNTC", csr::cntc, all, pattern, ~pattern},
    {"LLBCTL", csr::llbctl, csr::llb_klo, csr::llb_klo, 0},
    {"TLBRENTRY", csr::tlbrentry, frame_mask, pattern& frame_mask, ~pattern& frame_mask},
    {"TLBRBADV", csr::tlbrbadv, all, pattern, ~pattern},
    {"TLBRERA", csr::tlbrera, ~u64{2}, pattern & ~u64{2}, ~pattern & ~u64{2}},
    {"TLBRSAVE", csr::tlbrsave, all, pattern, ~pattern},
    {"TLBRELO0", csr::tlbrelo0, elo_mask, elo_first, elo_second},
    {"TLBRELO1", csr::tlbrelo1, elo_mask, elo_first, elo_second},
    {"TLBREHI", csr::tlbrehi, vppn_mask | 0x3F, (pattern & vppn_mask) | 14, (~pattern & vppn_mask) | 12},
    {"TLBRPRMD", csr::tlbrprmd, 0x7, 0x7, 0x0},
    {"DMW0", csr::dmw0, dmw_mask, u64{0xA} << 60 | 0x19, u64{5} << 60 | 0x20},
    {"DMW1", csr::dmw1, dmw_mask, u64{0xA} << 60 | 0x19, u64{5} << 60 | 0x20},
    {"DMW2", csr::dmw2, dmw_mask, u64{0xA} << 60 | 0x19, u64{5} << 60 | 0x20},
    {"DMW3", csr::dmw3, dmw_mask, u64{0xA} << 60 | 0x19, u64{5} << 60 | 0x20},
};

u64 bank_read(unsigned number) { return try_host(gcsrrd(a0, number)).a0; }
u64 bank_write(unsigned number, u64 value) { return try_host(gcsrwr(a0, number), value).a0; }

void check_from_host(const Row& row) {
  const u64 host_before = try_host(csrrd(a0, row.number)).a0;
  static_cast<void>(bank_write(row.number, row.first));
  equal_in(bank_read(row.number), row.mask, row.first, {row.name, "holds a pattern"});
  equal_in(bank_write(row.number, row.second), row.mask, row.first, {row.name, "gcsrwr returns the old value"});
  equal_in(bank_read(row.number), row.mask, row.second, {row.name, "holds the second pattern"});
  const u64 half = row.first & row.mask;
  const u64 old = try_host(gcsrxchg(a0, a1, row.number), row.first, half).a0;
  equal_in(old, row.mask, row.second, {row.name, "gcsrxchg returns the whole old value"});
  equal_in(bank_read(row.number), row.mask, half | (row.second & ~half), {row.name, "gcsrxchg writes the masked bits"});
  static_cast<void>(bank_write(row.number, row.second));
  const u64 host_after = try_host(csrrd(a0, row.number)).a0;
  const bool moves_by_itself = row.number == csr::era || row.number == csr::badi || row.number == csr::prmd;
  if (!moves_by_itself) equal(host_after, host_before, {row.name, "of the host is another register"});
}

void check_from_guest(const Row& row) {
  guest().reset_bank();
  static_cast<void>(bank_write(row.number, row.first));
  const Word read[] = {csrrd(a0, row.number)};
  const Outcome outcome = guest().run(read);
  finishes(outcome, {row.name, "read by the guest does not exit"});
  equal_in(reg(a0), row.mask, row.first, {row.name, "reads in the guest as the host wrote it"});
  if (row.access == GuestAccess::read) return;
  reg(a0) = row.second;
  const Word write[] = {csrwr(a0, row.number)};
  finishes(guest().run(write), {row.name, "written by the guest does not exit"});
  equal_in(bank_read(row.number), row.mask, row.second, {row.name, "reads in the bank as the guest wrote it"});
}

void check_estat() {
  guest().reset_bank();
  constexpr struct {
    const char* name;
    u64 bit;
  } settable[] = {{"SWI0", 1}, {"SWI1", 2}, {"TI", csr::is_timer}, {"IPI", csr::is_ipi}};
  for (const auto& [name, bit] : settable) {
    gcsr::exchange<csr::estat>(bit, bit);
    equal_in(gcsr::read<csr::estat>(), bit, bit, {"ESTAT", name, "can be set by the host"});
    gcsr::exchange<csr::estat>(0, bit);
    equal_in(gcsr::read<csr::estat>(), bit, 0, {"ESTAT", name, "can be cleared by the host"});
  }
  constexpr u64 code_mask = u64{0x7FFF} << 16;
  gcsr::write<csr::estat>(u64{0x2A} << 16 | u64{1} << 22);
  equal_in(gcsr::read<csr::estat>(), code_mask, u64{0x2A} << 16 | u64{1} << 22,
           "ESTAT codes can be written by the host");
  gcsr::write<csr::estat>(0);
  reg(a0) = ~u64{0};
  const Word program[] = {csrwr(a0, csr::estat), csrrd(a1, csr::estat)};
  finishes(guest().run(program), "ESTAT written by the guest does not exit");
  equal_in(reg(a1), csr::is_mask | code_mask, 3, "ESTAT written by the guest changes SWI0 and SWI1 only");
  gcsr::write<csr::estat>(0);
}

void check_derived() {
  constexpr u64 low = 0x1000'0000, high = 0x2000'0000, upper_half = u64{1} << 47;
  guest().reset_bank();
  gcsr::write<csr::pgdl>(low);
  gcsr::write<csr::pgdh>(high);
  gcsr::write<csr::badv>(0);
  gcsr::write<csr::tlbrbadv>(upper_half);
  equal(gcsr::read<csr::pgd>(), low, "PGD is PGDL for a BADV in the lower half");
  gcsr::write<csr::badv>(upper_half | ~physical_mask);
  gcsr::write<csr::tlbrbadv>(0);
  equal(gcsr::read<csr::pgd>(), high, "PGD is PGDH for a BADV in the upper half");
  gcsr::write<csr::tlbrera>(csr::tlbrera_istlbr);
  equal(gcsr::read<csr::pgd>(), low, "PGD follows TLBRBADV while TLBRERA.ISTLBR is 1");
  const Word program[] = {csrrd(a0, csr::pgd)};
  finishes(guest().run(program), "PGD read by the guest does not exit");
  equal(reg(a0), low, "PGD reads in the guest as in the bank");
  gcsr::write<csr::asid>(~u64{0});
  equal(bits(gcsr::read<csr::asid>(), 23, 16), 10, "ASID.ASIDBITS cannot be written");
  for (const unsigned number : {csr::prcfg1, csr::prcfg2, csr::prcfg3}) {
    guest().reset_bank();
    const Word read[] = {csrrd(a0, number)};
    static_cast<void>(guest().run(read));
    equal(reg(a0), try_host(csrrd(a0, number)).a0,
          {"PRCFG reads in the guest as in the host", number == csr::prcfg1   ? "1"
                                                      : number == csr::prcfg2 ? "2"
                                                                              : "3"});
  }
  for (const unsigned number : {csr::misc, csr::rvacfg}) {
    guest().reset_bank();
    const Word read[] = {csrrd(a0, number)};
    finishes(guest().run(read), {number == csr::misc ? "MISC" : "RVACFG", "read by the guest does not exit"});
  }
}

}  // namespace

void test_guest_bank() {
  if (!group("guest-bank")) return;
  guest().reset();
  for (const Row& row : rows) {
    guest().reset_bank();
    check_from_host(row);
    check_from_guest(row);
  }
  check_estat();
  check_derived();
  guest().reset();
}

}  // namespace probe
