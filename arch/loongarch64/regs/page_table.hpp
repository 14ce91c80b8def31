// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/bits.hpp"
#include "hal/base/page_format.hpp"

// LoongArch multi-level page tables as lddir and ldpte read them (LoongArch Reference Manual vol. 1, 5.4 and 7.5), with
// 4 KiB pages, four levels, 48-bit addresses. The same format serves the hypervisor and stage 2 (LVZ).
namespace arch::regs {

struct page_entry {
  using valid = hal::Field<0>;  // V
  using dirty = hal::Field<1>;  // D: stores are allowed now
  using plv = hal::Field<3, 2>;
  using mat = hal::Field<5, 4>;
  using huge = hal::Field<6>;      // H, in a directory: this entry is a page of the level's size. In a PT entry: G
  using present = hal::Field<7>;   // P, software
  using writable = hal::Field<8>;  // W, software
  using huge_global = hal::Field<12>;
  using address = hal::Field<47, 12>;
  using no_read = hal::Field<61>;
  using no_execute = hal::Field<62>;
  static constexpr uint64_t strongly_uncached = 0;  // SUC
  static constexpr uint64_t coherent_cached = 1;    // CC
  static constexpr uint64_t weakly_uncached = 2;    // WUC
};

// Directory entries are bare addresses of the next table. A walk does not stop at a missing table (lddir on zero would
// read physical address 0), so an empty directory entry points to a table that translates nothing: `nowhere[n]` is the
// table of level n whose entries are all empty. They are shared by every tree and never written.
struct PageTable {
  static constexpr hal::TableLevel max_block_level = 2;
  // A refill stores a translation with V = 0 in the TLB, where it hides a mapping made later.
  static constexpr bool caches_invalid = true;

  // Tables of levels 0, 1, 2.
  std::array<hal::HostPhys, 3> nowhere{};

  // PWCL and PWCH describe one geometry for all tables.
  static constexpr hal::TableGeometry geometry(unsigned) { return {.root_level = 3, .root_order = 0}; }

  constexpr uint64_t empty(hal::TableLevel level) const { return level == 0 ? 0 : nowhere[level - 1].value(); }
  constexpr bool is_table(uint64_t entry, hal::TableLevel level) const {
    return level > 0 && !page_entry::huge::is_set(entry) && entry != empty(level);
  }
  constexpr bool is_leaf(uint64_t entry, hal::TableLevel level) const {
    return level == 0 ? page_entry::present::is_set(entry) : page_entry::huge::is_set(entry);
  }
  static constexpr uint64_t table(hal::HostPhys place) { return place.value(); }
  static constexpr uint64_t leaf(hal::HostPhys place, hal::PageAttributes attributes, hal::TableLevel level) {
    using e = page_entry;
    const hal::Rights rights = attributes.rights;
    const bool any = rights.read || rights.write || rights.execute;
    return place.value() | e::valid::of(any) | e::present::mask | e::huge::of(level > 0) |
           e::mat::of(type(attributes.memory)) | e::dirty::of(rights.write) | e::writable::of(rights.write) |
           e::no_read::of(!rights.read) | e::no_execute::of(!rights.execute);
  }
  static constexpr hal::HostPhys address(uint64_t entry, hal::TableLevel) {
    return hal::HostPhys(entry & page_entry::address::mask);
  }
  static constexpr hal::PageAttributes attributes(uint64_t entry, hal::TableLevel) {
    using e = page_entry;
    return {.rights = {.read = !e::no_read::is_set(entry),
                       .write = e::writable::is_set(entry),
                       .execute = !e::no_execute::is_set(entry)},
            .memory = kind(e::mat::get(entry))};
  }

 private:
  static constexpr uint64_t type(hal::MemoryKind kind) {
    switch (kind) {
      case hal::MemoryKind::normal: return page_entry::coherent_cached;
      case hal::MemoryKind::uncached: return page_entry::weakly_uncached;
      case hal::MemoryKind::device: break;
    }
    return page_entry::strongly_uncached;
  }
  static constexpr hal::MemoryKind kind(uint64_t type) {
    if (type == page_entry::coherent_cached) return hal::MemoryKind::normal;
    return type == page_entry::weakly_uncached ? hal::MemoryKind::uncached : hal::MemoryKind::device;
  }
};

static_assert(hal::TableFormat<PageTable>);

}  // namespace arch::regs
