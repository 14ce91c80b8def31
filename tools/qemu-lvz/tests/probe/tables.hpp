// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page tables of either stage: four levels of 4 KiB tables, the geometry of reference 6.2. An entry is written as
// the walker sees addresses (`seen`: host physical for stage 2, guest physical for stage 1) and reached by the
// host through its cached window. Empty slots lead to tables of invalid entries, as in Linux and KVM, so that a
// walk always ends with a pair of entries.
#pragma once

#include "types.hpp"

namespace probe {

namespace leaf {
constexpr u64 v = 1 << 0, d = 1 << 1, plv3 = 3 << 2, cached = 1 << 4, g = 1 << 6, h = 1 << 6, p = 1 << 7, w = 1 << 8;
constexpr u64 huge_global = 1 << 12;
constexpr u64 nr = u64{1} << 61, nx = u64{1} << 62, rplv = u64{1} << 63;
constexpr u64 read_only = v | cached | p;
constexpr u64 read_write = v | d | cached | p | w;
}  // namespace leaf

namespace geometry {
constexpr u64 pwcl = 0x13E4D52C;
constexpr u64 pwch = 0x267;
constexpr u64 page_shift = 12;
}  // namespace geometry

class Tables {
 public:
  /// `host` is where the tables lie in host memory, `seen` the address of the same byte in the entries.
  Tables(Hpa host, u64 seen, u64 size) : host_{host}, seen_{seen}, size_{size} { clear(); }

  /// Forgets every mapping; the root keeps its address.
  void clear();

  void map(u64 address, u64 target, u64 flags) { *slot(address) = target | flags; }
  void unmap(u64 address) { *slot(address) = 0; }
  /// A 2 MiB page. `flags` without leaf::h and with leaf::huge_global instead of leaf::g.
  void map_huge(u64 address, u64 target, u64 flags) { *directory_slot(address) = target | flags | leaf::h; }

  /// The leaf entry of `address`, with the tables above it.
  u64* slot(u64 address);
  u64* directory_slot(u64 address);

  u64 root() const { return seen_; }
  /// Where the walker reads the leaf entry of `address`.
  u64 seen_slot(u64 address) { return seen_of(slot(address)); }

 private:
  u64* table_at(u64 seen) { return cached({host_.value + (seen - seen_)}); }
  u64 seen_of(const u64* entry) const { return physical(entry).value - host_.value + seen_; }
  u64 take_table(u64 fill);
  u64* descend(u64* entry, u64 empty, u64 fill_below, unsigned index);

  Hpa host_;
  u64 seen_;
  u64 size_;
  u64 used_ = 0;
  u64 empty_[3] = {};  // tables of invalid entries: leaves, directory 1, directory 2
};

}  // namespace probe
