// SPDX-License-Identifier: GPL-2.0-or-later
#include "tables.hpp"

#include "check.hpp"

namespace probe {
namespace {

constexpr unsigned entries = 512;
constexpr unsigned index_of(u64 address, unsigned shift) { return address >> shift & (entries - 1); }

}  // namespace

void Tables::clear() {
  used_ = page_size;
  u64 below = 0;
  for (u64& empty : empty_) empty = below = take_table(below);
  u64* root = table_at(seen_);
  for (unsigned i = 0; i < entries; ++i) root[i] = below;
}

u64 Tables::take_table(u64 fill) {
  if (used_ + page_size > size_) {
    put("probe: page-table pool exhausted\n");
    power_off();
  }
  const u64 seen = seen_ + used_;
  used_ += page_size;
  u64* table = table_at(seen);
  for (unsigned i = 0; i < entries; ++i) table[i] = fill;
  return seen;
}

u64* Tables::descend(u64* entry, u64 empty, u64 fill_below, unsigned index) {
  if (*entry == empty) *entry = take_table(fill_below);
  return table_at(*entry) + index;
}

u64* Tables::directory_slot(u64 address) {
  u64* entry = table_at(seen_) + index_of(address, 39);
  entry = descend(entry, empty_[2], empty_[1], index_of(address, 30));
  return descend(entry, empty_[1], empty_[0], index_of(address, 21));
}

u64* Tables::slot(u64 address) { return descend(directory_slot(address), empty_[0], 0, index_of(address, 12)); }

}  // namespace probe
