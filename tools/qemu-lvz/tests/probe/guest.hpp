// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest small enough for a table row: 1 MiB of memory, exception vectors that report by hypercall, a few
// instructions. Every stop of it is classified as an Outcome. One guest runs on a CPU at a time.
#pragma once

#include "check.hpp"
#include "cpu.hpp"
#include "csr.hpp"
#include "insn.hpp"
#include "tables.hpp"

namespace probe {

/// Exception codes (manual volume 1 table 7-5, reference section 12).
namespace ecode {
enum : unsigned {
  interrupt = 0,
  pil = 1,
  pis = 2,
  pif = 3,
  pme = 4,
  pnr = 5,
  pnx = 6,
  ppi = 7,
  ade = 8,
  ale = 9,
  sys = 0xB,
  brk = 0xC,
  ine = 0xD,
  ipe = 0xE,
  fpd = 0xF,
  sxd = 0x10,
  asxd = 0x11,
  fpe = 0x12,
  gspr = 0x16,
  hvc = 0x17,
  gcm = 0x18,
};
}

/// Guest physical layout. Page numbers differ in the bits that select a TLB set.
namespace layout {
constexpr Gpa vectors{0x1000};       // ECFG.VS = 0
constexpr Gpa refill_stop{0x2000};   // TLBRENTRY that reports by hypercall
constexpr Gpa refill_walk{0x3000};   // TLBRENTRY that walks stage 1
constexpr Gpa vector_table{0x4000};  // ECFG.VS = 1: 128 slots of 8 bytes
constexpr Gpa code{0x8000};
constexpr Gpa data{0x20000};    // free pages up to `tables`
constexpr Gpa tables{0x80000};  // stage 1
constexpr u64 tables_size = 0x40000;
constexpr u64 ram_size = 0x100000;
constexpr Gpa outside{0x200000};  // not mapped in stage 2 unless a test does
}  // namespace layout

/// Hypercall codes of the protocol between the guest's code and run().
namespace call {
constexpr u32 done = 0, exception = 0x7E, refill = 0x7F, slot = 0x400;
}

enum class Mode { direct, window };
/// The window guests run in when paging is on; the host has none there.
constexpr u64 guest_window = 0xA000'0000'0000'0000;

struct Outcome {
  enum class Stop { done, exit, guest_exception, guest_refill, watchdog, host_refill };
  Stop stop;
  unsigned ecode;  // of the exit, or of the exception the guest took
  unsigned esub;
  u64 slot;                                       // exit vector slot, or the guest's with a vector table
  u64 estat, era, badv, badi, crmd, prmd, gstat;  // the host's registers after the exit
  u64 refills;                                    // host refills during this run
};

class Guest {
 public:
  Guest(unsigned gid, Hpa memory);

  /// Architectural reset of the bank with the report vectors in place; stage 2 maps the RAM only; TLBs empty.
  void reset(Mode mode = Mode::direct);
  /// Only the bank.
  void reset_bank(Mode mode = Mode::direct);

  template <size_t Count>
  void load(const insn::Word (&program)[Count], Gpa at = layout::code) {
    store(program, Count, at);
  }
  /// Runs from `pc` (default: the loaded code) to the next stop.
  Outcome run(u64 pc);
  Outcome run() { return run(code_address()); }
  /// load() and run() of `program` followed by the end marker.
  template <size_t Count>
  Outcome run(const insn::Word (&program)[Count]) {
    load(program);
    const insn::Word end[] = {insn::hvcl(call::done)};
    store(end, 1, layout::code + 4 * Count);
    return run();
  }
  /// One instruction at `plv`.
  Outcome run_one(insn::Word word, unsigned plv = 0);

  u64 address(Gpa at) const { return mode_ == Mode::window ? guest_window | at.value : at.value; }
  u64 code_address() const { return address(layout::code); }
  Hpa host(Gpa at) const { return {memory_.value + at.value}; }
  /// A host frame outside the guest's RAM, for stage-2 tests.
  Hpa frame(unsigned number) const { return {memory_.value + layout::ram_size + number * page_size}; }
  u64& word(Gpa at) const { return *cached(host(at)); }

  Tables& stage2() { return stage2_; }
  Tables& stage1() { return stage1_; }
  /// Sets the walking refill handler, PGDL and the geometry; code stays in the window.
  void enable_paging();
  /// Stage 1 and 2 agree: VA `address` reaches RAM page `at`.
  void map(u64 address, Gpa at, u64 flags = leaf::read_write) { stage1_.map(address, at.value, flags); }

  unsigned gid() const { return gid_; }
  void set_gid(unsigned gid) { gid_ = gid; }
  void set_use_tgid(bool use) { use_tgid_ = use; }
  void set_host_vs(unsigned vs) { host_vs_ = vs; }
  void set_preemptible(bool yes) { preemptible_ = yes; }
  /// Which interrupts of the host leave the guest (default: all hardware ones).
  void set_host_lie(u64 lie) { host_lie_ = lie; }
  /// Enter through the refill's half of ertn: TLBRERA.ISTLBR and TLBRPRMD.PGM (reference 2.3).
  void set_enter_by_refill(bool yes) { enter_by_refill_ = yes; }
  void set_watchdog_ms(u64 ms) { watchdog_ticks_ = ms * ticks_per_ms(); }
  void set_watchdog_ticks(u64 ticks) { watchdog_ticks_ = ticks; }

 private:
  static constexpr u64 default_lie = csr::is_mask & ~u64{3};

  void store(const insn::Word* program, size_t count, Gpa at);
  void write_vectors();
  void classify(Outcome& outcome) const;

  unsigned gid_;
  Hpa memory_;
  Mode mode_ = Mode::direct;
  bool use_tgid_ = true;
  bool preemptible_ = true;
  bool enter_by_refill_ = false;
  u64 host_lie_ = default_lie;
  unsigned host_vs_ = 0;
  u64 watchdog_ticks_ = 0;
  Tables stage2_;
  Tables stage1_;
};

inline u64& reg(Reg number) { return this_cpu().gpr[number]; }

/// The guest every single-CPU test uses, and its rival for the tests of tags.
Guest& guest();
Guest& rival();

void flush_all_tlbs();

/// Checks that say where the guest stopped.
void exits(const Outcome& outcome, unsigned code, const Name& name);
void guest_takes(const Outcome& outcome, unsigned code, const Name& name);
void finishes(const Outcome& outcome, const Name& name);
void guest_refills(const Outcome& outcome, const Name& name);
/// The guest took `code` itself or left with GSPR: both keep it from the resource.
void is_refused(const Outcome& outcome, const Name& name);

}  // namespace probe
