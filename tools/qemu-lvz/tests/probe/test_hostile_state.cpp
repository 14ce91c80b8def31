// SPDX-License-Identifier: GPL-2.0-or-later
//
// Nonsense a guest or a broken hypervisor can set up. Nothing is expected of the guest; the host must get control
// back every time, and a proper guest must run afterwards. The sequence depends on nothing but the seed, which the
// command line may set (seed=N), as it may ask for more of everything (fuzz=N).
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

class Sequence {
 public:
  explicit Sequence(u64 seed) : state_{0x1234'5678'9ABC'DEF1 ^ seed << 24} {}

  u64 next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  u64 state_;
};

constexpr unsigned bank[] = {
    csr::crmd,    csr::prmd,     csr::euen,   csr::misc,      csr::ecfg,     csr::estat,   csr::era,      csr::badv,
    csr::eentry,  csr::tlbidx,   csr::tlbehi, csr::tlbelo0,   csr::tlbelo1,  csr::asid,    csr::pgdl,     csr::pgdh,
    csr::pwcl,    csr::pwch,     csr::stlbps, csr::rvacfg,    csr::cpuid,    csr::tid,     csr::tcfg,     csr::tval,
    csr::cntc,    csr::ticlr,    csr::llbctl, csr::tlbrentry, csr::tlbrbadv, csr::tlbrera, csr::tlbrelo0, csr::tlbrelo1,
    csr::tlbrehi, csr::tlbrprmd, csr::dmw0,   csr::dmw1,
};
constexpr size_t bank_size = sizeof(bank) / sizeof(*bank);

/// Instructions whose meaning depends on the bank.
constexpr Word risky[] = {
    tlbsrch,
    tlbrd,
    tlbwr,
    tlbfill,
    tlbclr,
    tlbflush,
    lddir(a0, a0, 1),
    lddir(a0, a0, 4),
    lddir(a0, a0, 7),
    ldpte(a0, 0),
    ldpte(a0, 1),
    invtlb(0, a0, a1),
    invtlb(4, a0, a1),
    invtlb(6, a0, a1),
    ld_d(a1, a0, 0),
    st_d(a1, a0, 0),
    ertn,
    csrwr(a0, csr::crmd),
    csrwr(a0, csr::tlbidx),
    csrwr(a0, csr::stlbps),
    csrwr(a0, csr::pwcl),
    csrwr(a0, csr::tlbrehi),
    csrwr(a0, csr::tlbehi),
    csrwr(a0, csr::asid),
    jirl(ra, a0),
    csrwr(a0, csr::tcfg),
    csrwr(a0, csr::tval),
    csrwr(a0, csr::estat),
    ll_d(a1, a0, 0),
    sc_d(a1, a0, 0),
    amadd_db_d(a1, a2, a0),
    vld(0, a0, 0),
    cacop(8, a0, 0),
    rdtime_d(a0, a1),
    iocsrrd(Size::d, a0, a1),
};
constexpr size_t risky_size = sizeof(risky) / sizeof(*risky);

constexpr u64 watchdog_ms = 5;

void run_once() {
  guest().set_watchdog_ms(watchdog_ms);
  static_cast<void>(guest().run());
}

void random_banks(Sequence& random, u64 rounds) {
  for (u64 round = 0; round < rounds; ++round) {
    guest().reset_bank(round % 2 ? Mode::window : Mode::direct);
    for (unsigned i = 0; i < 4; ++i) {
      const u64 value = round % 3 ? random.next() : random.next() & random.next() & random.next();
      static_cast<void>(try_host(gcsrwr(a0, bank[random.next() % bank_size]), value));
    }
    Word program[16];
    for (Word& word : program) word = risky[random.next() % risky_size];
    for (u32 number = 1; number < 32; ++number) {
      const u64 value = random.next();
      reg(static_cast<Reg>(number)) = value & 1 ? value : value % layout::ram_size & ~u64{7};
    }
    guest().load(program);
    run_once();
  }
}

void random_words(Sequence& random, u64 rounds) {
  for (u64 round = 0; round < rounds; ++round) {
    guest().reset_bank(Mode::direct);
    Word program[16];
    for (Word& word : program) word = static_cast<Word>(random.next());
    guest().load(program);
    run_once();
  }
}

/// Stage-2 directories that point anywhere in physical memory below the devices.
void random_directories(Sequence& random, u64 rounds) {
  for (u64 round = 0; round < rounds; ++round) {
    guest().reset();
    guest().load({ld_d(a1, a0, 0), st_d(a1, a0, 8), hvcl(call::done)});
    const u64 huge_flag = round % 2 ? leaf::h : 0;
    *guest().stage2().directory_slot(layout::outside.value) = (random.next() & 0x0FFF'F000) | huge_flag;
    reg(a0) = layout::outside.value + (random.next() & 0x1F'FFF8);
    guest().load({ld_d(a1, a0, 0), hvcl(call::done)});
    run_once();
  }
}

void missing_root() {
  guest().reset();
  guest().load({hvcl(call::done)});
  const Tables nowhere_backed{guest().frame(16), 0x7FFF'0000'0000, 0x10000};
  Cpu& cpu = this_cpu();
  const u64 before = cpu.refills;
  Guest& broken = guest();
  const Tables kept = broken.stage2();
  broken.stage2() = nowhere_backed;
  guest().set_watchdog_ms(2000);
  static_cast<void>(guest().run());
  pass_if(cpu.refills != before, "a stage-2 root where no memory is gives control back", "a refill");
  broken.stage2() = kept;
}

void check_alive(const char* after) {
  guest().reset();
  flush_all_tlbs();
  reg(a0) = 20;
  const Word program[] = {addi_d(a0, a0, 3)};
  finishes(guest().run(program), {"a proper guest runs after", after});
  equal(reg(a0), 23, {"a proper guest computes after", after});
  equal(csr::read<csr::gstat>() & 3, 0, {"the host is in host mode after", after});
}

}  // namespace

void test_hostile_state(u64 seed, u64 factor) {
  if (!group("hostile-state")) return;
  Sequence random{seed};
  guest().reset();
  random_banks(random, 300 * factor);
  check_alive("random guest banks");
  random_words(random, 150 * factor);
  check_alive("random programs");
  random_directories(random, 20 * factor);
  check_alive("random stage-2 directories");
  missing_root();
  check_alive("a stage-2 root where no memory is");
  gcsr::write<csr::stlbps>(geometry::page_shift);
  guest().reset();
}

}  // namespace probe
