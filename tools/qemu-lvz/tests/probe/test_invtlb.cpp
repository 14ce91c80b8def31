// SPDX-License-Identifier: GPL-2.0-or-later
//
// invtlb (reference 3.2). A scene of entries of two guests and the host is built, one operation executed, and each
// entry looked for. Every page of the scene has a TLB set of its own, so that nothing is lost by replacement.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

enum Entry : unsigned {
  own_a,       // guest 1, stage 1: ASID 5
  own_b,       // guest 1, stage 1: ASID 5, another page
  own_other,   // guest 1, stage 1: ASID 6
  own_global,  // guest 1, stage 1: global
  rivals,      // guest 2, stage 1: ASID 5
  own_x,       // guest 1, stage 2
  own_y,       // guest 1, stage 2, another page
  rivals_z,    // guest 2, stage 2
  hosts,       // host, global
  entries,
};

constexpr const char* names[entries] = {
    "the guest's ASID 5 page",         "the guest's second ASID 5 page", "the guest's ASID 6 page",
    "the guest's global page",         "the other guest's ASID 5 page",  "the guest's stage-2 page",
    "the guest's second stage-2 page", "the other guest's stage-2 page", "the host's page",
};

constexpr unsigned own_asid = 5, other_asid = 6;

constexpr u64 va_of(Entry entry) { return u64{0x40'0000'0000} + (u64{0x20} + entry) * 2 * page_size; }
constexpr Gpa gpa_of(Entry entry) { return {0x400000 + (u64{0x50} + entry) * 2 * page_size}; }

constexpr bool is_stage1(Entry entry) { return entry <= rivals; }
Guest& owner(Entry entry) { return entry == rivals || entry == rivals_z ? rival() : guest(); }

void map_scene() {
  for (Guest* which : {&guest(), &rival()}) {
    which->reset(Mode::window);
    const Word program[] = {ld_d(a1, a0, 0), hvcl(call::done)};
    which->load(program);
  }
  for (unsigned i = 0; i < hosts; ++i) {
    const auto entry = static_cast<Entry>(i);
    Guest& which = owner(entry);
    if (is_stage1(entry)) {
      const u64 global = entry == own_global ? leaf::g : 0;
      which.map(va_of(entry), layout::data + 2 * i * page_size, leaf::read_write | global);
      which.map(va_of(entry) + page_size, layout::data + 2 * i * page_size, leaf::read_write | global);
    } else {
      which.stage2().map(gpa_of(entry).value, which.frame(i).value, leaf::read_write);
    }
  }
}

Outcome touch(Entry entry, bool walk) {
  Guest& which = owner(entry);
  which.reset_bank(Mode::window);
  if (walk) which.enable_paging();
  gcsr::write<csr::asid>(entry == own_other ? other_asid : own_asid);
  reg(a0) = is_stage1(entry) ? va_of(entry) : guest_window | gpa_of(entry).value;
  return which.run();
}

void fill_scene() {
  flush_all_tlbs();
  for (unsigned i = 0; i < hosts; ++i) static_cast<void>(touch(static_cast<Entry>(i), true));
  csr::write<csr::tlbehi>(va_of(hosts));
  csr::write<csr::tlbidx>(geometry::page_shift << 24);
  csr::write<csr::tlbelo0>(leaf::read_write | leaf::g);
  csr::write<csr::tlbelo1>(leaf::read_write | leaf::g);
  asm volatile("tlbfill");
}

bool is_present(Entry entry) {
  if (entry == hosts) {
    csr::write<csr::tlbehi>(va_of(hosts));
    asm volatile("tlbsrch");
    return !(csr::read<csr::tlbidx>() & csr::tlbidx_ne);
  }
  if (is_stage1(entry)) return touch(entry, false).stop == Outcome::Stop::done;
  // The pages the run itself needs come first; a refill after them is the entry's own.
  static_cast<void>(touch(entry == rivals_z ? rivals : own_a, false));
  const Outcome outcome = touch(entry, false);
  return outcome.refills == 0 || (this_cpu().refill.badv & ~u64{0x1FFF}) != gpa_of(entry).value;
}

constexpr u32 all_stage1 = 1 << own_a | 1 << own_b | 1 << own_other | 1 << own_global;
constexpr u32 all_stage2 = 1 << own_x | 1 << own_y;

struct Row {
  const char* name;
  u32 op;
  u64 rj, rk;
  u32 dropped;  // by entry
};

constexpr u64 gid1 = 1 << 16;
constexpr Row host_rows[] = {
    {"0x9", 0x9, gid1, 0, all_stage1},
    {"0xa", 0xA, gid1, 0, 1 << own_global},
    {"0xb", 0xB, gid1, 0, 1 << own_a | 1 << own_b | 1 << own_other},
    {"0xc", 0xC, gid1 | own_asid, 0, 1 << own_a | 1 << own_b},
    {"0xd", 0xD, gid1 | own_asid, va_of(own_a), 1 << own_a},
    {"0xd of another ASID's page", 0xD, gid1 | own_asid, va_of(own_other), 0},
    {"0xd of a global page", 0xD, gid1 | own_asid, va_of(own_global), 0},
    {"0xe", 0xE, gid1 | own_asid, va_of(own_b), 1 << own_b},
    {"0xe of a global page", 0xE, gid1 | 9, va_of(own_global), 1 << own_global},
    {"0x10", 0x10, 0, 0, all_stage1 | 1 << rivals},
    {"0x11", 0x11, 0, 0, all_stage2 | 1 << rivals_z},
    {"0x12", 0x12, 0, 0, all_stage1 | all_stage2 | 1 << rivals | 1 << rivals_z},
    {"0x13", 0x13, gid1, 0, all_stage1},
    {"0x14", 0x14, gid1, 0, all_stage2},
    {"0x15", 0x15, gid1, 0, all_stage1 | all_stage2},
    {"0x16", 0x16, gid1, gpa_of(own_x).value, 1 << own_x},
};

constexpr Row guest_rows[] = {
    {"0x0", 0x0, 0, 0, all_stage1},
    {"0x1", 0x1, 0, 0, all_stage1},
    {"0x2", 0x2, 0, 0, 1 << own_global},
    {"0x3", 0x3, 0, 0, 1 << own_a | 1 << own_b | 1 << own_other},
    {"0x4", 0x4, own_asid, 0, 1 << own_a | 1 << own_b},
    {"0x5", 0x5, own_asid, va_of(own_a), 1 << own_a},
    {"0x6", 0x6, own_asid, va_of(own_b), 1 << own_b},
    {"0x6 of a global page", 0x6, 9, va_of(own_global), 1 << own_global},
};

void check_presence(const char* who, const Row& row, u32 looked_at) {
  for (unsigned i = 0; i < entries; ++i) {
    if (!(looked_at >> i & 1)) continue;
    const bool dropped = row.dropped >> i & 1;
    pass_if(is_present(static_cast<Entry>(i)) != dropped, {who, row.name, dropped ? "drops" : "keeps", names[i]},
            dropped ? "absent" : "present");
  }
}

void check_host_row(const Row& row) {
  fill_scene();
  const Trap trap = try_host(invtlb(row.op, a0, a1), row.rj, row.rk);
  pass_if(trap.none, {"host invtlb", row.name, "completes"}, "no exception");
  check_presence("host invtlb", row, (1 << entries) - 1);
}

/// What a guest's own operation does to its stage-2 entries is open; other guests and the host must keep theirs.
void check_guest_row(const Row& row) {
  fill_scene();
  guest().reset_bank(Mode::window);
  gcsr::write<csr::asid>(own_asid);
  reg(a2) = row.rj;
  reg(a3) = row.rk;
  const Word program[] = {invtlb(row.op, a2, a3), hvcl(call::done)};
  constexpr Gpa elsewhere = layout::code + 0x800;
  guest().load(program, elsewhere);
  finishes(guest().run(guest().address(elsewhere)), {"guest invtlb", row.name, "does not exit"});
  check_presence("guest invtlb", row, ((1 << entries) - 1) & ~all_stage2);
}

struct HostEntry {
  const char* name;
  u64 va;
  unsigned asid;
  u64 global;
};

constexpr HostEntry host_entries[] = {
    {"an ASID 1 page", 0x60'0010'0000, 1, 0},
    {"a second ASID 1 page", 0x60'0010'2000, 1, 0},
    {"an ASID 2 page", 0x60'0010'4000, 2, 0},
    {"a global page", 0x60'0010'6000, 1, leaf::g},
};

/// Volume 1's operations on the host's own entries still mean what they meant.
constexpr Row volume1_rows[] = {
    {"0x0", 0x0, 0, 0, 0xF},
    {"0x1", 0x1, 0, 0, 0xF},
    {"0x2", 0x2, 0, 0, 0x8},
    {"0x3", 0x3, 0, 0, 0x7},
    {"0x4", 0x4, 1, 0, 0x3},
    {"0x5", 0x5, 1, 0x60'0010'0000, 0x1},
    {"0x6", 0x6, 1, 0x60'0010'2000, 0x2},
    {"0x6 of a global page", 0x6, 9, 0x60'0010'6000, 0x8},
};

void check_volume1_row(const Row& row) {
  asm volatile("invtlb 0x0, $zero, $zero" ::: "memory");
  for (const HostEntry& entry : host_entries) {
    csr::exchange<csr::asid>(entry.asid, 0x3FF);
    csr::write<csr::tlbehi>(entry.va);
    csr::write<csr::tlbidx>(geometry::page_shift << 24);
    csr::write<csr::tlbelo0>(leaf::read_write | entry.global);
    csr::write<csr::tlbelo1>(leaf::read_write | entry.global);
    asm volatile("tlbfill");
  }
  static_cast<void>(try_host(invtlb(row.op, a0, a1), row.rj, row.rk));
  unsigned bit = 0;
  for (const HostEntry& entry : host_entries) {
    csr::exchange<csr::asid>(entry.asid, 0x3FF);
    csr::write<csr::tlbehi>(entry.va);
    asm volatile("tlbsrch");
    const bool present = !(csr::read<csr::tlbidx>() & csr::tlbidx_ne);
    const bool dropped = row.dropped >> bit++ & 1;
    pass_if(present != dropped, {"host invtlb", row.name, dropped ? "drops" : "keeps", entry.name},
            dropped ? "absent" : "present");
  }
  csr::exchange<csr::asid>(0, 0x3FF);
}

}  // namespace

void test_invtlb() {
  if (!group("invtlb")) return;
  map_scene();
  fill_scene();
  u32 missing = 0;
  for (unsigned i = 0; i < entries; ++i) missing |= is_present(static_cast<Entry>(i)) ? 0 : 1 << i;
  equal(missing, 0, "the scene is complete before any operation (mask of missing entries)");
  for (const Row& row : host_rows) check_host_row(row);
  for (const Row& row : guest_rows) check_guest_row(row);
  for (const Row& row : volume1_rows) check_volume1_row(row);
  guest().reset();
  rival().reset();
}

}  // namespace probe
