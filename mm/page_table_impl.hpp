// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bodies of mm/page_table.hpp, which includes this file.
#include "mm/page_table.hpp"

namespace mm {

// --- PendingFlush ----------------------------------------------------------------------------------------------------

template <class Place, TableBackend<Place> Backend>
void PendingFlush<Place, Backend>::settle() {
  if (!owed()) return;
  backend_->invalidate(range_);
  range_ = {};
  while (dead_count_ > 0) backend_->free(dead_[--dead_count_]);
}

template <class Place, TableBackend<Place> Backend>
void PendingFlush<Place, Backend>::add(hal::Range<Place> range) {
  if (range_.empty()) {
    range_ = range;
    return;
  }
  const Place start = std::min(range_.start, range.start);
  const Place last = std::max(range_.start + (range_.size - 1), range.start + (range.size - 1));
  range_ = {start, last - start + 1};
}

template <class Place, TableBackend<Place> Backend>
void PendingFlush<Place, Backend>::retire(hal::HostPhys table) {
  if (dead_count_ == dead_.size()) {
    // The range stays owed: more of the same subtree may follow.
    const hal::Range<Place> range = range_;
    settle();
    range_ = range;
  }
  dead_[dead_count_++] = table;
}

// --- tables set aside ------------------------------------------------------------------------------------------------

// Tables allocated before the first visible change, chained through their first entries.
template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
class PageTable<Place, Format, Backend>::Reserve {
 public:
  explicit Reserve(Backend& backend) : backend_(backend) {}
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;
  ~Reserve() {
    while (count_ > 0) backend_.free(take());
  }

  hal::Result<void, MmError> fill(unsigned count) {
    while (count_ < count) {
      const hal::HostPhys table = TRY(backend_.allocate());
      backend_.write(table, 0, first_.value());
      first_ = table;
      ++count_;
    }
    return {};
  }
  // plan() counted right, so there is one left.
  hal::HostPhys take() {
    const hal::HostPhys table = first_;
    first_ = hal::HostPhys(backend_.read(table, 0));
    --count_;
    return table;
  }

 private:
  Backend& backend_;
  hal::HostPhys first_;
  unsigned count_ = 0;
};

// --- the interface ---------------------------------------------------------------------------------------------------

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
PageTable<Place, Format, Backend>::PageTable(Format format, Backend& backend, hal::HostPhys root, Place base,
                                             unsigned address_bits)
    : format_(format),
      backend_(backend),
      root_(root),
      base_(base),
      address_bits_(address_bits),
      geometry_(Format::geometry(address_bits)) {
  fill_empty(root_, geometry_.root_level, root_entries());
  backend_.publish();
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
auto PageTable<Place, Format, Backend>::map(hal::Range<Place> range, hal::HostPhys place,
                                            hal::PageAttributes attributes) -> hal::Result<Flush, MmError> {
  const Part part = TRY(check(range));
  if (!place.is_aligned(hal::page_size)) return hal::fail(MmError::misaligned);
  // Every format holds 48 bits of address.
  if (!hal::HostPhysRange{hal::HostPhys(), uint64_t{1} << 48}.contains({place, range.size})) {
    return hal::fail(MmError::out_of_range);
  }
  return apply(part, {.action = Action::map, .place = place - part.start, .attributes = attributes});
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
auto PageTable<Place, Format, Backend>::unmap(hal::Range<Place> range) -> hal::Result<Flush, MmError> {
  return apply(TRY(check(range)), {.action = Action::unmap});
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
auto PageTable<Place, Format, Backend>::protect(hal::Range<Place> range, hal::Rights rights)
    -> hal::Result<Flush, MmError> {
  return apply(TRY(check(range)), {.action = Action::protect, .attributes = {.rights = rights}});
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
TableWalk PageTable<Place, Format, Backend>::walk(Place place) const {
  const uint64_t offset = place - base_;
  TableWalk walk{.first = geometry_.root_level, .last = geometry_.root_level};
  if ((offset >> address_bits_) != 0) return walk;
  hal::HostPhys table = root_;
  for (hal::TableLevel level = geometry_.root_level;; --level) {
    const unsigned index = index_at(offset, level);
    const uint64_t entry = backend_.read(table, index);
    walk.steps[level] = {.table = table, .index = index, .entry = entry};
    walk.last = level;
    if (!format_.is_table(entry, level)) return walk;
    table = format_.address(entry, level);
  }
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
std::optional<Mapping> PageTable<Place, Format, Backend>::translate(Place place) const {
  if (((place - base_) >> address_bits_) != 0) return std::nullopt;
  hal::HostPhys table = root_;
  for (hal::TableLevel level = geometry_.root_level;; --level) {
    const uint64_t entry = backend_.read(table, index_at(place - base_, level));
    if (format_.is_table(entry, level)) {
      table = format_.address(entry, level);
      continue;
    }
    if (!format_.is_leaf(entry, level)) return std::nullopt;
    const uint64_t inside = place.offset_in(hal::entry_span(level));
    return Mapping{.place = format_.address(entry, level) + inside,
                   .attributes = format_.attributes(entry, level),
                   .level = level,
                   .remaining = hal::entry_span(level) - inside};
  }
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::clear() {
  free_below(root_, geometry_.root_level, root_entries());
  fill_empty(root_, geometry_.root_level, root_entries());
}

// --- change ----------------------------------------------------------------------------------------------------------

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
auto PageTable<Place, Format, Backend>::check(hal::Range<Place> range) const -> hal::Result<Part, MmError> {
  if (!range.start.is_aligned(hal::page_size) || range.size % hal::page_size != 0) {
    return hal::fail(MmError::misaligned);
  }
  const uint64_t offset = range.start - base_;
  const uint64_t span = uint64_t{1} << address_bits_;
  if (offset >= span || range.size > span - offset) return hal::fail(MmError::out_of_range);
  return Part{offset, offset + range.size};
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
auto PageTable<Place, Format, Backend>::apply(Part part, const Change& change) -> hal::Result<Flush, MmError> {
  const unsigned tables = TRY(plan(root_, geometry_.root_level, part, change, Virtual::no));
  Reserve reserve(backend_);
  TRY(reserve.fill(tables));
  Flush flush(backend_);
  edit(root_, geometry_.root_level, part, change, reserve, flush);
  backend_.publish();
  return flush;
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
hal::Result<unsigned, MmError> PageTable<Place, Format, Backend>::plan(hal::HostPhys table, hal::TableLevel level,
                                                                       Part part, const Change& change,
                                                                       Virtual contents) const {
  // Pages in a table that is yet to be made: nothing is in their way, and they need no other table.
  if (level == 0 && contents == Virtual::empty && change.action == Action::map) return 0U;
  unsigned tables = 0;
  std::optional<MmError> error;
  for_each_entry(level, part, [&](unsigned index, Part inner) {
    if (error) return;
    const uint64_t entry = contents == Virtual::no ? backend_.read(table, index) : 0;
    const auto needed = plan_entry(entry, level, inner, change, contents);
    if (needed.ok()) {
      tables += needed.value();
    } else {
      error = needed.error();
    }
  });
  if (error) return hal::fail(*error);
  return tables;
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
hal::Result<unsigned, MmError> PageTable<Place, Format, Backend>::plan_entry(uint64_t entry, hal::TableLevel level,
                                                                             Part part, const Change& change,
                                                                             Virtual contents) const {
  if (contents == Virtual::no && format_.is_table(entry, level)) {
    if (change.action == Action::unmap && is_whole(part, level)) return 0U;
    return plan(format_.address(entry, level), level - 1, part, change, Virtual::no);
  }
  const bool leaf = contents == Virtual::no ? format_.is_leaf(entry, level) : contents == Virtual::leaf;
  switch (change.action) {
    case Action::map:
      if (leaf) return hal::fail(MmError::already_mapped);
      if (fits_block(part, level, change)) return 0U;
      break;
    case Action::protect:
      if (!leaf) return hal::fail(MmError::not_mapped);
      if (is_whole(part, level)) return 0U;
      break;
    case Action::unmap:
      if (!leaf || is_whole(part, level)) return 0U;
      break;
  }
  return 1 + TRY(plan({}, level - 1, part, change, leaf ? Virtual::leaf : Virtual::empty));
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::edit(hal::HostPhys table, hal::TableLevel level, Part part,
                                             const Change& change, Reserve& reserve, Flush& flush) {
  for_each_entry(level, part, [&](unsigned index, Part inner) {
    const uint64_t entry = backend_.read(table, index);
    const bool is_table = format_.is_table(entry, level);
    const bool is_leaf = format_.is_leaf(entry, level);
    if (change.action == Action::unmap && !is_table && !is_leaf) return;
    const bool whole = change.action == Action::map     ? !is_table && fits_block(inner, level, change)
                       : change.action == Action::unmap ? is_whole(inner, level)
                                                        : is_leaf && is_whole(inner, level);
    if (whole) {
      edit_whole(table, index, level, inner, change, flush);
    } else if (is_table) {
      edit(format_.address(entry, level), level - 1, inner, change, reserve, flush);
      if (change.action == Action::unmap) prune(table, index, level, flush);
    } else if (is_leaf) {
      edit(split(table, index, level, inner, reserve), level - 1, inner, change, reserve, flush);
    } else {
      // Nobody sees the new table before it is complete.
      const hal::HostPhys child = reserve.take();
      fill_empty(child, level - 1, hal::table_entries);
      edit(child, level - 1, inner, change, reserve, flush);
      backend_.publish();
      backend_.write(table, index, format_.table(child));
      if constexpr (Format::caches_invalid) flush.add(range_of(inner));
    }
  });
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::edit_whole(hal::HostPhys table, unsigned index, hal::TableLevel level,
                                                   Part part, const Change& change, Flush& flush) {
  const uint64_t old = backend_.read(table, index);
  switch (change.action) {
    case Action::map:
      backend_.write(table, index, format_.leaf(place_of(part, change), change.attributes, level));
      if constexpr (Format::caches_invalid) flush.add(range_of(part));
      return;
    case Action::protect: {
      // Only rights change, so the old entry need not be broken first (Arm ARM D8.16.1).
      const hal::PageAttributes attributes{change.attributes.rights, format_.attributes(old, level).memory};
      backend_.write(table, index, format_.leaf(format_.address(old, level), attributes, level));
      flush.add(range_of(part));
      return;
    }
    case Action::unmap:
      backend_.write(table, index, format_.empty(level));
      flush.add(range_of(part));
      if (format_.is_table(old, level)) retire_below(format_.address(old, level), level - 1, flush);
      return;
  }
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
hal::HostPhys PageTable<Place, Format, Backend>::split(hal::HostPhys table, unsigned index, hal::TableLevel level,
                                                       Part part, Reserve& reserve) {
  const uint64_t block = backend_.read(table, index);
  const hal::HostPhys place = format_.address(block, level);
  const hal::PageAttributes attributes = format_.attributes(block, level);
  const hal::HostPhys child = reserve.take();
  for (unsigned i = 0; i < hal::table_entries; ++i) {
    backend_.write(child, i, format_.leaf(place + i * hal::entry_span(level - 1), attributes, level - 1));
  }
  backend_.write(table, index, format_.empty(level));
  const uint64_t start = hal::align_down(part.start, hal::entry_span(level));
  backend_.invalidate(range_of({start, start + hal::entry_span(level)}));
  backend_.write(table, index, format_.table(child));
  return child;
}

// A table without a translation is given back, so that unmap() undoes map() to the last frame. What invalidates the
// unmapped range drops the entry that led to this table, too: it was used to translate that range (Arm ARM D8.16.5).
template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::prune(hal::HostPhys table, unsigned index, hal::TableLevel level,
                                              Flush& flush) {
  const hal::HostPhys child = format_.address(backend_.read(table, index), level);
  for (unsigned i = 0; i < hal::table_entries; ++i) {
    if (backend_.read(child, i) != format_.empty(level - 1)) return;
  }
  backend_.write(table, index, format_.empty(level));
  flush.retire(child);
}

// --- whole tables ----------------------------------------------------------------------------------------------------

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::fill_empty(hal::HostPhys table, hal::TableLevel level, unsigned entries) {
  for (unsigned i = 0; i < entries; ++i) backend_.write(table, i, format_.empty(level));
}

// Children first: a table is reused only after everything below it was reached through it.
template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::retire_below(hal::HostPhys table, hal::TableLevel level, Flush& flush) {
  for (unsigned i = 0; level > 0 && i < hal::table_entries; ++i) {
    const uint64_t entry = backend_.read(table, i);
    if (format_.is_table(entry, level)) retire_below(format_.address(entry, level), level - 1, flush);
  }
  flush.retire(table);
}

template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
void PageTable<Place, Format, Backend>::free_below(hal::HostPhys table, hal::TableLevel level, unsigned entries) {
  for (unsigned i = 0; level > 0 && i < entries; ++i) {
    const uint64_t entry = backend_.read(table, i);
    if (!format_.is_table(entry, level)) continue;
    const hal::HostPhys child = format_.address(entry, level);
    free_below(child, level - 1, hal::table_entries);
    backend_.free(child);
  }
}

}  // namespace mm
