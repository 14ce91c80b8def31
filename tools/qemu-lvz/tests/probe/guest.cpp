// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.hpp"

extern "C" {
void enter_guest();
extern char exit_vectors[];
extern char host_trap[];
}

namespace probe {
namespace {

using enum Outcome::Stop;

constexpr u64 default_watchdog_ms = 10'000;
constexpr Hpa first_memory{0x04000000};
constexpr u64 memory_stride = 0x00800000;
constexpr u64 stage2_offset = 0x00400000;
constexpr u64 stage2_size = 0x00100000;
constexpr u64 gcfg_matc_root = 1 << 4;
constexpr u64 gcfg_gci_secure = 2 << 20;

void put_outcome(const Outcome& outcome) {
  constexpr const char* names[] = {"end of program", "exit ",    "guest exception ",
                                   "guest refill",   "watchdog", "host refill"};
  put(names[static_cast<unsigned>(outcome.stop)]);
  if (outcome.stop == exit || outcome.stop == guest_exception) put_hex(outcome.ecode);
  put(" at ");
  put_hex(outcome.era);
}

void stopped_as(const Outcome& outcome, bool good, const char* expected, unsigned code, const Name& name) {
  if (!good) {
    put("# got ");
    put_outcome(outcome);
    put(", expected ");
    put(expected);
    put_hex(code);
    put("\n");
  }
  pass_if(good, name, expected);
}

}  // namespace

Guest::Guest(unsigned gid, Hpa memory)
    : gid_{gid},
      memory_{memory},
      stage2_{{memory.value + stage2_offset}, memory.value + stage2_offset, stage2_size},
      stage1_{{memory.value + layout::tables.value}, layout::tables.value, layout::tables_size} {}

Guest& guest() {
  static Guest instance{1, first_memory};
  return instance;
}

Guest& rival() {
  static Guest instance{2, {first_memory.value + memory_stride}};
  return instance;
}

void flush_all_tlbs() { asm volatile("invtlb 0x12, $zero, $zero\n\tinvtlb 0x0, $zero, $zero" ::: "memory"); }

void Guest::reset(Mode mode) {
  stage2_.clear();
  for (u64 at = 0; at < layout::ram_size; at += page_size) {
    stage2_.map(at, memory_.value + at, leaf::read_write);
  }
  stage1_.clear();
  use_tgid_ = true;
  preemptible_ = true;
  enter_by_refill_ = false;
  host_lie_ = default_lie;
  host_vs_ = 0;
  set_watchdog_ms(default_watchdog_ms);
  for (u64& value : this_cpu().gpr) value = 0;
  reset_bank(mode);
  write_vectors();
  flush_all_tlbs();
}

void Guest::reset_bank(Mode mode) {
  using namespace csr;
  mode_ = mode;
  gcsr::write<tcfg>(0);
  gcsr::write<ticlr>(1);
  gcsr::write<estat>(0);
  gcsr::write<crmd>(mode == Mode::window ? crmd_pg : crmd_da);
  gcsr::write<prmd>(0);
  gcsr::write<euen>(0);
  gcsr::write<ecfg>(0);
  gcsr::write<eentry>(address(layout::vectors));
  gcsr::write<tlbrentry>(layout::refill_stop.value);
  gcsr::write<tlbrera>(0);
  gcsr::write<tlbrprmd>(0);
  gcsr::write<tlbidx>(0);
  gcsr::write<tlbehi>(0);
  gcsr::write<tlbelo0>(0);
  gcsr::write<tlbelo1>(0);
  gcsr::write<asid>(0);
  gcsr::write<pgdl>(stage1_.root());
  gcsr::write<pgdh>(stage1_.root());
  gcsr::write<pwcl>(geometry::pwcl);
  gcsr::write<pwch>(geometry::pwch);
  gcsr::write<stlbps>(geometry::page_shift);
  gcsr::write<tlbrehi>(geometry::page_shift);
  gcsr::write<cntc>(0);
  gcsr::write<tid>(0);
  gcsr::write<llbctl>(llb_wcllb);
  gcsr::write<dmw0>(guest_window | leaf::cached | 0x9);
  gcsr::write<dmw1>(0);
  gcsr::write<dmw2>(0);
  gcsr::write<dmw3>(0);
  csr::write<gintc>(0);
  csr::write<gcntc>(0);
  const u64 offered = csr::read<gcfg>();
  csr::write<gcfg>((bits(offered, 1, 1) ? gcfg_matc_root : 0) | (bits(offered, 18, 18) ? gcfg_gci_secure : 0));
}

void Guest::enable_paging() { gcsr::write<csr::tlbrentry>(layout::refill_walk.value); }

void Guest::write_vectors() {
  using namespace insn;
  const Word exception[] = {hvcl(call::exception)};
  store(exception, 1, layout::vectors);
  const Word refill[] = {hvcl(call::refill)};
  store(refill, 1, layout::refill_stop);
  const Word walk[] = {csrwr(t0, csr::tlbrsave),
                       csrrd(t0, csr::pgd),
                       lddir(t0, t0, 3),
                       lddir(t0, t0, 2),
                       lddir(t0, t0, 1),
                       ldpte(t0, 0),
                       ldpte(t0, 1),
                       tlbfill,
                       csrrd(t0, csr::tlbrsave),
                       ertn};
  store(walk, sizeof(walk) / sizeof(*walk), layout::refill_walk);
  for (u32 slot = 0; slot < 128; ++slot) {
    const Word report[] = {hvcl(call::slot + slot)};
    store(report, 1, layout::vector_table + 8 * slot);
  }
}

void Guest::store(const insn::Word* program, size_t count, Gpa at) {
  volatile u32* words = reinterpret_cast<volatile u32*>(cached(host(at)));
  for (size_t i = 0; i < count; ++i) words[i] = program[i];
  asm volatile("ibar 0" ::: "memory");
}

Outcome Guest::run(u64 pc) {
  using namespace csr;
  Cpu& cpu = this_cpu();
  const u64 refills_before = cpu.refills;
  const u64 host_root = csr::read<pgdl>();
  csr::write<ecfg>(host_lie_ | u64{host_vs_} << 16);
  csr::write<eentry>(reinterpret_cast<u64>(exit_vectors));
  csr::write<tcfg>((watchdog_ticks_ & ~u64{3}) | 1);
  csr::write<era>(pc);
  csr::write<pgdl>(stage2_.root());
  csr::write<gtlbc>(use_tgid_ ? gtlbc_usetgid | gtlbc_tgid(gid_) | (csr::read<gtlbc>() & gtlbc_toti) : 0);
  csr::write<prmd>(preemptible_ ? prmd_pie : 0);
  csr::write<gstat>(gstat_gid(gid_) | gstat_pvm);
  if (enter_by_refill_) {
    csr::write<era>(0);
    csr::write<tlbrera>(pc | tlbrera_istlbr);
    csr::write<tlbrprmd>(csr::read<prmd>() | tlbrprmd_pgm);
  }

  enter_guest();

  Outcome outcome{};
  outcome.estat = csr::read<estat>();
  outcome.era = csr::read<era>();
  outcome.badv = csr::read<badv>();
  outcome.badi = csr::read<badi>() & 0xFFFF'FFFF;
  outcome.crmd = csr::read<crmd>();
  outcome.prmd = csr::read<prmd>();
  outcome.gstat = csr::read<gstat>();
  outcome.refills = cpu.refills - refills_before;
  outcome.slot = cpu.slot;
  csr::write<eentry>(reinterpret_cast<u64>(host_trap));
  csr::write<ecfg>(0);
  csr::write<pgdl>(host_root);
  csr::exchange<gtlbc>(0, gtlbc_tgid(0xFF));
  csr::exchange<gstat>(0, gstat_pvm);
  csr::write<tcfg>(0);
  csr::write<ticlr>(1);
  classify(outcome);
  return outcome;
}

void Guest::classify(Outcome& outcome) const {
  outcome.ecode = static_cast<unsigned>(bits(outcome.estat, 21, 16));
  outcome.esub = static_cast<unsigned>(bits(outcome.estat, 30, 22));
  outcome.stop = exit;
  if (outcome.slot == ~u64{0}) {
    outcome.stop = host_refill;
    return;
  }
  if (outcome.ecode == ecode::interrupt && (outcome.estat & csr::is_timer)) outcome.stop = watchdog;
  if (outcome.ecode != ecode::hvc) return;
  const u64 code = bits(outcome.badi, 14, 0);
  const bool vectored = code >= call::slot && code < call::slot + 128;
  if (code == call::done) outcome.stop = done;
  if (code == call::refill) outcome.stop = guest_refill;
  if (code == call::exception || vectored) {
    const u64 guest_estat = gcsr::read<csr::estat>();
    outcome.stop = guest_exception;
    outcome.ecode = static_cast<unsigned>(bits(guest_estat, 21, 16));
    outcome.esub = static_cast<unsigned>(bits(guest_estat, 30, 22));
    if (vectored) outcome.slot = code - call::slot;
  }
}

Outcome Guest::run_one(insn::Word word, unsigned plv) {
  // A system call ends the program: PLV3 has no hypercall to end with.
  const insn::Word program[] = {word, insn::syscall(0)};
  load(program);
  gcsr::exchange<csr::crmd>(plv, 3);
  Outcome outcome = run();
  const bool ended =
      outcome.stop == guest_exception && outcome.ecode == ecode::sys && gcsr::read<csr::era>() == code_address() + 4;
  if (ended) outcome.stop = done;
  return outcome;
}

void exits(const Outcome& outcome, unsigned code, const Name& name) {
  stopped_as(outcome, outcome.stop == exit && outcome.ecode == code && outcome.esub == 0, "exit ", code, name);
}

void guest_takes(const Outcome& outcome, unsigned code, const Name& name) {
  stopped_as(outcome, outcome.stop == guest_exception && outcome.ecode == code, "guest exception ", code, name);
}

void finishes(const Outcome& outcome, const Name& name) {
  stopped_as(outcome, outcome.stop == done, "end of program ", 0, name);
}

void guest_refills(const Outcome& outcome, const Name& name) {
  stopped_as(outcome, outcome.stop == guest_refill, "guest refill ", 0, name);
}

void is_refused(const Outcome& outcome, const Name& name) {
  const bool by_guest = outcome.stop == guest_exception && (outcome.ecode == ecode::ine || outcome.ecode == ecode::ipe);
  const bool by_host = outcome.stop == exit && outcome.ecode == ecode::gspr;
  stopped_as(outcome, by_guest || by_host, "guest INE or IPE, or exit GSPR ", ecode::gspr, name);
}

}  // namespace probe
