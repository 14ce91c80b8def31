// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include "hal/base/address.hpp"
#include "hal/base/page_format.hpp"
#include "hal/base/result.hpp"
#include "mm/error.hpp"

namespace mm {

// Where the tables of a tree live, and who is told when they change. HostSpace and GuestSpace supply one each; tests
// supply one that records every write.
template <class B, class Place>
concept TableBackend =
    requires(B backend, hal::HostPhys table, unsigned index, uint64_t entry, hal::Range<Place> range) {
      // Entries are read and written whole (single-copy atomic): other CPUs' walkers are looking.
      { backend.read(table, index) } -> std::same_as<uint64_t>;
      { backend.write(table, index, entry) } -> std::same_as<void>;
      // One table of unspecified contents.
      { backend.allocate() } -> std::same_as<hal::Result<hal::HostPhys, MmError>>;
      { backend.free(table) } -> std::same_as<void>;
      // Every write before is seen by every walk after.
      { backend.publish() } -> std::same_as<void>;
      // Publishes, and returns when nobody uses older translations of `range`.
      { backend.invalidate(range) } -> std::same_as<void>;
    };

// An address's way through the tables, for reports. steps[level] holds the entry met at that level.
struct TableWalk {
  struct Step {
    hal::HostPhys table;
    unsigned index = 0;
    uint64_t entry = 0;
  };
  std::array<Step, hal::table_levels> steps{};
  hal::TableLevel first = 0;  // root level
  hal::TableLevel last = 0;   // where the walk ended; steps[first], ..., steps[last] are valid
};

// Where an address leads: the place itself (not its page), and how far around it the same translation holds.
struct Mapping {
  hal::HostPhys place;
  hal::PageAttributes attributes;
  hal::TableLevel level = 0;
  uint64_t remaining = 0;  // bytes from the address to the end of its page or block
};

// The invalidation that a change of tables owes, and the tables that may be reused only after it. Settled by settle()
// or by the destructor: it can be delayed and merged, not forgotten. Must not outlive its page table.
template <class Place, TableBackend<Place> Backend>
class [[nodiscard]] PendingFlush {
 public:
  explicit PendingFlush(Backend& backend) : backend_(&backend) {}
  PendingFlush(PendingFlush&& other) noexcept
      : backend_(other.backend_),
        range_(std::exchange(other.range_, {})),
        dead_(other.dead_),
        dead_count_(std::exchange(other.dead_count_, 0)) {}
  PendingFlush& operator=(PendingFlush&&) = delete;
  ~PendingFlush() { settle(); }

  [[nodiscard]] bool owed() const { return !range_.empty() || dead_count_ != 0; }
  // The smallest range that covers everything owed.
  [[nodiscard]] hal::Range<Place> range() const { return range_; }
  // Invalidate now, and free the tables.
  void settle();

  // For the page table: `range` was translated differently before.
  void add(hal::Range<Place> range);
  // For the page table: a table that no entry points to any more.
  void retire(hal::HostPhys table);

 private:
  Backend* backend_;
  hal::Range<Place> range_{};
  std::array<hal::HostPhys, 8> dead_{};  // full: settled early
  unsigned dead_count_ = 0;
};

// The one algorithm over translation tables, for every format and both translations.
//
//     root (1..16 tables)   level 2     512 x 1 GiB
//       +- table            level 1     512 x 2 MiB      a leaf above level 0 is a block
//       +- table            level 0     512 x 4 KiB
//
// map(), unmap() and protect() first find out whether they can succeed and reserve the tables they need; then they
// change entries and cannot fail. Where a block has to become a table, the entry is first emptied and invalidated
// (break-before-make: Arm ARM D8.16.1; on LoongArch two page sizes in one TLB set are as bad): for that moment accesses
// fault although the address is mapped, so a fault handler asks translate() under the lock and retries.
//
// Not locked: the space that owns the tree does that.
template <class Place, hal::TableFormat Format, TableBackend<Place> Backend>
class PageTable {
 public:
  using Flush = PendingFlush<Place, Backend>;

  // Translates [base, base + 2^address_bits). `root` is 2^geometry.root_order tables, contents unspecified; it stays
  // the caller's.
  PageTable(Format format, Backend& backend, hal::HostPhys root, Place base, unsigned address_bits);
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;
  // Frees every table but the root. Owes nothing: the owner has seen to it that nobody walks this tree any more.
  ~PageTable() { clear(); }

  // All addresses of `range` must be free. Uses the largest blocks that the alignment of both sides allows.
  // Errors: misaligned, out_of_range, already_mapped, out_of_memory; nothing has changed then.
  hal::Result<Flush, MmError> map(hal::Range<Place> range, hal::HostPhys place, hal::PageAttributes attributes);
  // Addresses that are not mapped are skipped. Errors: misaligned, out_of_range, out_of_memory (to split a block).
  hal::Result<Flush, MmError> unmap(hal::Range<Place> range);
  // New rights for a range that is mapped throughout. Errors: as unmap(), and not_mapped.
  hal::Result<Flush, MmError> protect(hal::Range<Place> range, hal::Rights rights);

  [[nodiscard]] std::optional<Mapping> translate(Place place) const;
  [[nodiscard]] TableWalk walk(Place place) const;

  [[nodiscard]] hal::HostPhys root() const { return root_; }
  [[nodiscard]] hal::TableGeometry geometry() const { return geometry_; }
  [[nodiscard]] unsigned address_bits() const { return address_bits_; }

  // Unmap everything at once and free all tables but the root; see the destructor for the condition.
  void clear();

 private:
  // What a pass over the tree does with the part of an entry that its range covers.
  enum class Action : uint8_t { map, unmap, protect };
  struct Change {
    Action action;
    hal::HostPhys place{};  // map: where base_ would lead, so that a part's place is a sum
    hal::PageAttributes attributes{};
  };
  // A range inside one table, as offsets from base_.
  struct Part {
    uint64_t start;
    uint64_t end;
  };
  // What stands in a table that does not exist yet.
  enum class Virtual : uint8_t { no, empty, leaf };
  class Reserve;

  [[nodiscard]] hal::Result<Part, MmError> check(hal::Range<Place> range) const;
  hal::Result<Flush, MmError> apply(Part part, const Change& change);

  // How many tables the change needs, or why it is impossible. `table` is not read where it is virtual.
  hal::Result<unsigned, MmError> plan(hal::HostPhys table, hal::TableLevel level, Part part, const Change& change,
                                      Virtual contents) const;
  hal::Result<unsigned, MmError> plan_entry(uint64_t entry, hal::TableLevel level, Part part, const Change& change,
                                            Virtual contents) const;
  void edit(hal::HostPhys table, hal::TableLevel level, Part part, const Change& change, Reserve& reserve,
            Flush& flush);
  // Turn the block at `index` into a table of the next level that means the same.
  hal::HostPhys split(hal::HostPhys table, unsigned index, hal::TableLevel level, Part part, Reserve& reserve);
  void edit_whole(hal::HostPhys table, unsigned index, hal::TableLevel level, Part part, const Change& change,
                  Flush& flush);

  // Detach and retire the table at `index` if it is empty.
  void prune(hal::HostPhys table, unsigned index, hal::TableLevel level, Flush& flush);
  void fill_empty(hal::HostPhys table, hal::TableLevel level, unsigned entries);
  void retire_below(hal::HostPhys table, hal::TableLevel level, Flush& flush);
  void free_below(hal::HostPhys table, hal::TableLevel level, unsigned entries);

  [[nodiscard]] unsigned root_entries() const { return hal::table_entries << geometry_.root_order; }
  [[nodiscard]] unsigned index_at(uint64_t offset, hal::TableLevel level) const {
    const uint64_t index = offset / hal::entry_span(level);
    return static_cast<unsigned>(level == geometry_.root_level ? index : index % hal::table_entries);
  }
  // Calls visit(index, part of it) for each entry of a table at `level` that `part` touches.
  template <class Visit>
  void for_each_entry(hal::TableLevel level, Part part, Visit visit) const {
    for (uint64_t start = part.start; start < part.end;) {
      const uint64_t end = std::min(hal::align_down(start, hal::entry_span(level)) + hal::entry_span(level), part.end);
      visit(index_at(start, level), Part{start, end});
      start = end;
    }
  }
  [[nodiscard]] static bool is_whole(Part part, hal::TableLevel level) {
    return part.end - part.start == hal::entry_span(level);
  }
  [[nodiscard]] bool fits_block(Part part, hal::TableLevel level, const Change& change) const {
    return is_whole(part, level) && level <= Format::max_block_level &&
           place_of(part, change).is_aligned(hal::entry_span(level));
  }
  // The change's place for the first address of `part`.
  [[nodiscard]] hal::HostPhys place_of(Part part, const Change& change) const { return change.place + part.start; }
  [[nodiscard]] hal::Range<Place> range_of(Part part) const { return {base_ + part.start, part.end - part.start}; }

  Format format_;
  Backend& backend_;
  hal::HostPhys root_;
  Place base_;
  unsigned address_bits_;
  hal::TableGeometry geometry_;
};

}  // namespace mm

#include "mm/page_table_impl.hpp"
