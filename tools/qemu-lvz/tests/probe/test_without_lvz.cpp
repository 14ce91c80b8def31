// SPDX-License-Identifier: GPL-2.0-or-later
//
// A CPU without LVZ: reference appendix A.1. Its instructions do not exist (INE), its CSRs are unimplemented
// numbers: reading gives 0 and writing changes nothing, or the access raises INE.
#include "check.hpp"
#include "csr.hpp"
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Instruction {
  const char* name;
  Word word;
};

constexpr Instruction lvz_instructions[] = {
    {"gcsrrd", gcsrrd(a0, csr::crmd)},
    {"gcsrwr", gcsrwr(a0, csr::save0)},
    {"gcsrxchg", gcsrxchg(a0, a1, csr::save0)},
    {"hvcl 0", hvcl(0)},
    {"hvcl 0x7fff", hvcl(0x7FFF)},
    {"gtlbclr", gtlbclr},
    {"gtlbflush", gtlbflush},
    {"gtlbsrch", gtlbsrch},
    {"gtlbrd", gtlbrd},
    {"gtlbwr", gtlbwr},
    {"gtlbfill", gtlbfill},
};

struct Register {
  const char* name;
  unsigned number;
};

constexpr Register lvz_csrs[] = {
    {"GTLBC", csr::gtlbc}, {"TRGP", csr::trgp},   {"GSTAT", csr::gstat},
    {"GCFG", csr::gcfg},   {"GINTC", csr::gintc}, {"GCNTC", csr::gcntc},
};

bool reads_zero_or_faults(const Trap& trap) { return trap.none ? trap.a0 == 0 : trap.ecode == ecode::ine; }

}  // namespace

void test_without_lvz() {
  if (!group("without-lvz")) return;
  equal(bits(cpucfg(2), 13, 10), 0, "CPUCFG word 2 [13:10] is 0");
  for (const auto& [name, word] : lvz_instructions) {
    equal(try_host(word, 0, 2).ecode, ecode::ine, {name, "raises INE"});
    const unsigned at_plv3 = try_host(word, 0, 2, 3).ecode;
    pass_if(at_plv3 == ecode::ine || at_plv3 == ecode::ipe, {name, "at PLV3 raises INE or IPE"}, "0xd or 0xe");
  }
  for (const auto& [name, number] : lvz_csrs) {
    pass_if(reads_zero_or_faults(try_host(csrrd(a0, number))), {name, "reads 0 or raises INE"}, "0 or INE");
    static_cast<void>(try_host(csrwr(a0, number), ~u64{0}));
    pass_if(reads_zero_or_faults(try_host(csrrd(a0, number))), {name, "ignores a write or raises INE"}, "0 or INE");
    equal(try_host(csrrd(a0, number), 0, 0, 3).ecode, ecode::ipe, {name, "at PLV3 raises IPE"});
  }
  // A PVM written above must not turn the next ertn into a guest entry: reaching this line shows that it did not.
  pass_if(try_host(nop).none, "ertn still returns to the host", "no exception");
}

}  // namespace probe
