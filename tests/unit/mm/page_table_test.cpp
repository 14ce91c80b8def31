// SPDX-License-Identifier: Apache-2.0
#include "mm/page_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "arch/aarch64/regs/stage1.hpp"
#include "arch/aarch64/regs/stage2.hpp"
#include "arch/loongarch64/regs/page_table.hpp"

namespace {

using hal::gib;
using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::HostPhys;
using hal::kib;
using hal::mib;
using hal::page_size;
using mm::MmError;

// Physical memory that knows which tables are live, and a TLB that never forgets on its own: it remembers every entry
// that a walker could have seen since the last invalidation of its addresses. Each write to a live entry is judged
// against it.
template <class Format>
class Memory {
 public:
  Format format;
  unsigned allocated = 0;
  unsigned limit = ~0U;  // allocations that succeed
  std::vector<GuestPhysRange> invalidated;
  bool unpublished = false;

  // The tree to watch, once its root exists.
  void watch(HostPhys root, unsigned address_bits) {
    root_ = root;
    bits_ = address_bits;
    refresh();
  }
  // Nobody walks the tree any more.
  void forget() {
    bits_ = 0;
    cached_.clear();
    refresh();
  }

  uint64_t read(HostPhys table, unsigned index) const { return words_.at(table + 8 * index); }

  void write(HostPhys table, unsigned index, uint64_t entry) {
    EXPECT_TRUE(tables_.contains((table + 8 * index).align_down(page_size))) << "wrote outside a table";
    const auto place = live_.find(table);
    if (place != live_.end()) judge(place->second, table, index, entry);
    const uint64_t old = std::exchange(words_[table + 8 * index], entry);
    unpublished = true;
    if (place == live_.end()) return;
    const Live live = place->second;
    if (format.is_table(old, live.level) || format.is_table(entry, live.level)) {
      refresh();
    } else {
      remember(table + 8 * index, live.level, live.base + index * hal::entry_span(live.level));
    }
  }

  hal::Result<HostPhys, MmError> allocate() {
    if (allocated == limit) return hal::fail(MmError::out_of_memory);
    ++allocated;
    const HostPhys table = free_.empty() ? next_ : free_.back();
    if (free_.empty()) {
      next_ += page_size;
    } else {
      free_.pop_back();
    }
    add_table(table);
    return table;
  }
  void free(HostPhys table) {
    EXPECT_FALSE(live_.contains(table)) << "freed a table that is still reachable";
    EXPECT_FALSE(cached_tables_.contains(table)) << "freed a table that a walker may still read";
    EXPECT_EQ(tables_.erase(table), 1U) << "freed twice";
    --allocated;
    free_.push_back(table);
  }
  void publish() { unpublished = false; }
  void invalidate(GuestPhysRange range) {
    EXPECT_TRUE(range.start.is_aligned(page_size) && range.size % page_size == 0);
    unpublished = false;
    invalidated.push_back(range);
    std::erase_if(cached_, [&](const auto& item) { return range.overlaps(item.second.covers); });
    refresh();
  }

  // For the root and LoongArch's shared tables.
  HostPhys add_tables(unsigned count) {
    next_ = next_.align_up(16 * page_size);
    const HostPhys first = next_;
    for (unsigned i = 0; i < count; ++i, next_ += page_size) add_table(next_);
    return first;
  }
  // Is everything that was unmapped or changed invalidated?
  [[nodiscard]] bool is_settled() const {
    for (const auto& [where, item] : cached_) {
      if (words_.at(where) != item.entry) return false;
    }
    return true;
  }

 private:
  struct Live {
    hal::TableLevel level;
    GuestPhys base;  // first address that the table translates
  };
  struct Cached {
    uint64_t entry;
    GuestPhysRange covers;
    hal::TableLevel level;
  };

  void add_table(HostPhys table) {
    tables_.insert(table);
    for (unsigned i = 0; i < hal::table_entries; ++i) words_[table + 8 * i] = 0xdead'0000'0000'0fffULL;
  }

  // Break before make: a valid entry that a walker may remember becomes another valid entry only by way of an empty one
  // and an invalidation; a change of rights alone is allowed.
  void judge(const Live& table, HostPhys place, unsigned index, uint64_t entry) {
    const uint64_t old = words_[place + 8 * index];
    const auto was = cached_.find(place + 8 * index);
    const uint64_t remembered = was != cached_.end() ? was->second.entry : old;
    const bool was_valid = remembered != format.empty(table.level);
    const bool is_valid = entry != format.empty(table.level);
    if (format.is_table(entry, table.level)) EXPECT_FALSE(unpublished) << "linked a table nobody can see yet";
    if (!was_valid || !is_valid || remembered == entry) return;
    EXPECT_TRUE(format.is_leaf(remembered, table.level) && format.is_leaf(entry, table.level) &&
                format.address(remembered, table.level) == format.address(entry, table.level) &&
                format.attributes(remembered, table.level).memory == format.attributes(entry, table.level).memory)
        << "changed a live entry without break-before-make";
  }

  // Walk the tree as eager hardware would, and remember everything.
  void refresh() {
    live_.clear();
    cached_tables_.clear();
    if (bits_ == 0) return;
    visit(root_, Format::geometry(bits_).root_level, GuestPhys(),
          hal::table_entries << Format::geometry(bits_).root_order);
    for (const auto& [where, item] : cached_) {
      if (format.is_table(item.entry, item.level)) cached_tables_.insert(format.address(item.entry, item.level));
    }
  }
  void visit(HostPhys table, hal::TableLevel level, GuestPhys base, unsigned entries) {
    live_[table] = {level, base};
    for (unsigned i = 0; i < entries; ++i) {
      const HostPhys where = table + 8 * i;
      const uint64_t entry = words_[where];
      if (entry == format.empty(level)) continue;
      const GuestPhys start = base + i * hal::entry_span(level);
      remember(where, level, start);
      if (format.is_table(entry, level)) visit(format.address(entry, level), level - 1, start, hal::table_entries);
    }
  }
  void remember(HostPhys where, hal::TableLevel level, GuestPhys start) {
    const uint64_t entry = words_[where];
    if (entry == format.empty(level) || cached_.contains(where)) return;
    cached_[where] = {entry, {start, hal::entry_span(level)}, level};
  }

  HostPhys next_{0x10'0000};
  std::vector<HostPhys> free_;
  std::map<HostPhys, uint64_t> words_;
  std::set<HostPhys> tables_;
  HostPhys root_;
  unsigned bits_ = 0;
  std::map<HostPhys, Live> live_;
  std::map<HostPhys, Cached> cached_;
  std::set<HostPhys> cached_tables_;
};

template <class Format>
struct Tree {
  Memory<Format> memory;
  std::optional<mm::PageTable<GuestPhys, Format, Memory<Format>>> table;

  explicit Tree(unsigned bits = 40) {
    if constexpr (std::is_same_v<Format, arch::regs::PageTable>) {
      for (hal::TableLevel level = 0; level < 3; ++level) {
        memory.format.nowhere[level] = memory.add_tables(1);
        for (unsigned i = 0; i < hal::table_entries; ++i) {
          memory.write(memory.format.nowhere[level], i, memory.format.empty(level));
        }
      }
    }
    const HostPhys root = memory.add_tables(1U << Format::geometry(bits).root_order);
    table.emplace(memory.format, memory, root, GuestPhys(), bits);
    memory.watch(root, bits);
  }
  ~Tree() {
    memory.forget();
    table.reset();
    EXPECT_EQ(memory.allocated, 0U) << "lost tables";
  }

  hal::Result<void, MmError> map(GuestPhys at, uint64_t size, HostPhys to, hal::PageAttributes attributes) {
    auto flush = TRY(table->map({at, size}, to, attributes));
    flush.settle();
    EXPECT_TRUE(memory.is_settled());
    EXPECT_FALSE(memory.unpublished);
    return {};
  }
  hal::Result<void, MmError> unmap(GuestPhys at, uint64_t size) {
    auto flush = TRY(table->unmap({at, size}));
    flush.settle();
    EXPECT_TRUE(memory.is_settled());
    return {};
  }
  hal::Result<void, MmError> protect(GuestPhys at, uint64_t size, hal::Rights rights) {
    auto flush = TRY(table->protect({at, size}, rights));
    flush.settle();
    EXPECT_TRUE(memory.is_settled());
    return {};
  }
  hal::TableLevel level_at(GuestPhys at) { return table->translate(at)->level; }
};

constexpr hal::PageAttributes ram{hal::full_access, hal::MemoryKind::normal};
constexpr GuestPhys somewhere{0x4000'0000};
constexpr HostPhys elsewhere{0x8000'0000};

template <class Format>
class PageTable : public testing::Test {};
struct FormatNames {
  template <class Format>
  static std::string GetName(int) {
    if (std::is_same_v<Format, arch::regs::Stage1>) return "aarch64_stage1";
    if (std::is_same_v<Format, arch::regs::Stage2>) return "aarch64_stage2";
    return "loongarch64";
  }
};
using Formats = testing::Types<arch::regs::Stage1, arch::regs::Stage2, arch::regs::PageTable>;
TYPED_TEST_SUITE(PageTable, Formats, FormatNames);

TYPED_TEST(PageTable, translates_what_was_mapped_and_nothing_else) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, 3 * page_size, elsewhere, ram).ok());
  const auto found = tree.table->translate(somewhere + page_size + 0x123);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, elsewhere + page_size + 0x123);
  EXPECT_EQ(found->attributes, ram);
  EXPECT_EQ(found->remaining, page_size - 0x123);
  EXPECT_FALSE(tree.table->translate(somewhere - 1));
  EXPECT_FALSE(tree.table->translate(somewhere + 3 * page_size));
  EXPECT_FALSE(tree.table->translate(GuestPhys(~uint64_t{0})));
}

TYPED_TEST(PageTable, keeps_rights_and_memory_kind) {
  Tree<TypeParam> tree;
  GuestPhys at = somewhere;
  for (const hal::Rights rights : {hal::read_only, hal::read_write, hal::read_execute, hal::full_access}) {
    for (const hal::MemoryKind kind : {hal::MemoryKind::normal, hal::MemoryKind::device, hal::MemoryKind::uncached}) {
      ASSERT_TRUE(tree.map(at, page_size, elsewhere, {rights, kind}).ok());
      EXPECT_EQ(tree.table->translate(at)->attributes, (hal::PageAttributes{rights, kind}));
      at += page_size;
    }
  }
}

TYPED_TEST(PageTable, uses_the_largest_blocks_that_both_sides_allow) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, gib + 2 * mib + 4 * kib, elsewhere, ram).ok());
  EXPECT_EQ(tree.level_at(somewhere + 5), 2U);
  EXPECT_EQ(tree.level_at(somewhere + gib), 1U);
  EXPECT_EQ(tree.level_at(somewhere + gib + 2 * mib), 0U);
  ASSERT_TRUE(tree.map(GuestPhys(0), 4 * mib, elsewhere + page_size, ram).ok());
  EXPECT_EQ(tree.level_at(GuestPhys(2 * mib)), 0U);
  EXPECT_EQ(tree.table->translate(GuestPhys(3 * mib))->place, elsewhere + page_size + 3 * mib);
}

TYPED_TEST(PageTable, needs_one_table_to_map_a_gibibyte_of_large_blocks) {
  Tree<TypeParam> tree;
  const unsigned before = tree.memory.allocated;
  ASSERT_TRUE(tree.map(somewhere, 512 * mib, elsewhere, ram).ok());
  const bool four_levels = TypeParam::geometry(40).root_level == 3;
  EXPECT_EQ(tree.memory.allocated - before, four_levels ? 2U : 1U);
}

TYPED_TEST(PageTable, splits_a_block_without_touching_the_rest_of_it) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, gib, elsewhere, ram).ok());
  ASSERT_TRUE(tree.unmap(somewhere + 7 * mib, page_size).ok());
  EXPECT_FALSE(tree.table->translate(somewhere + 7 * mib));
  EXPECT_EQ(tree.table->translate(somewhere + 7 * mib + page_size)->place, elsewhere + 7 * mib + page_size);
  EXPECT_EQ(tree.level_at(somewhere + 7 * mib - 1), 0U);
  EXPECT_EQ(tree.level_at(somewhere), 1U);
  EXPECT_EQ(tree.table->translate(somewhere + gib - 1)->place, elsewhere + gib - 1);
  EXPECT_EQ(tree.table->translate(somewhere + gib - 1)->attributes, ram);
}

TYPED_TEST(PageTable, changes_rights_of_a_part) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, 4 * mib, elsewhere, ram).ok());
  ASSERT_TRUE(tree.protect(somewhere + mib, 2 * mib, hal::read_only).ok());
  EXPECT_EQ(tree.table->translate(somewhere + mib - 1)->attributes.rights, hal::full_access);
  EXPECT_EQ(tree.table->translate(somewhere + mib)->attributes.rights, hal::read_only);
  EXPECT_EQ(tree.table->translate(somewhere + 3 * mib - 1)->attributes.rights, hal::read_only);
  EXPECT_EQ(tree.table->translate(somewhere + 3 * mib)->attributes.rights, hal::full_access);
}

TYPED_TEST(PageTable, returns_a_table_when_the_last_page_in_it_goes) {
  Tree<TypeParam> tree;
  const unsigned before = tree.memory.allocated;
  ASSERT_TRUE(tree.map(somewhere, 2 * page_size, elsewhere, ram).ok());
  EXPECT_GT(tree.memory.allocated, before);
  ASSERT_TRUE(tree.unmap(somewhere, page_size).ok());
  EXPECT_GT(tree.memory.allocated, before);
  ASSERT_TRUE(tree.unmap(somewhere + page_size, page_size).ok());
  EXPECT_EQ(tree.memory.allocated, before);
}

TYPED_TEST(PageTable, returns_whole_subtrees) {
  Tree<TypeParam> tree;
  const unsigned before = tree.memory.allocated;
  // 4 KiB pages throughout: 40 tables at the lowest level.
  ASSERT_TRUE(tree.map(somewhere, 80 * mib, elsewhere + page_size, ram).ok());
  EXPECT_GE(tree.memory.allocated, before + 40);
  ASSERT_TRUE(tree.unmap(GuestPhys(0), uint64_t{1} << 40).ok());
  EXPECT_EQ(tree.memory.allocated, before);
}

TYPED_TEST(PageTable, refuses_to_map_twice_and_changes_nothing) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere + 6 * mib, page_size, elsewhere, ram).ok());
  const unsigned before = tree.memory.allocated;
  EXPECT_EQ(tree.map(somewhere, 8 * mib, elsewhere + 64 * mib, ram).error(), MmError::already_mapped);
  EXPECT_EQ(tree.memory.allocated, before);
  EXPECT_FALSE(tree.table->translate(somewhere));
  EXPECT_EQ(tree.table->translate(somewhere + 6 * mib)->place, elsewhere);
}

TYPED_TEST(PageTable, refuses_to_protect_a_hole_and_changes_nothing) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, 2 * mib, elsewhere, ram).ok());
  EXPECT_EQ(tree.protect(somewhere + mib, 2 * mib, hal::read_only).error(), MmError::not_mapped);
  EXPECT_EQ(tree.table->translate(somewhere + mib)->attributes, ram);
}

TYPED_TEST(PageTable, refuses_ranges_that_are_not_pages_of_this_space) {
  Tree<TypeParam> tree;
  const uint64_t end = uint64_t{1} << 40;
  EXPECT_EQ(tree.map(somewhere + 1, page_size, elsewhere, ram).error(), MmError::misaligned);
  EXPECT_EQ(tree.map(somewhere, page_size - 1, elsewhere, ram).error(), MmError::misaligned);
  EXPECT_EQ(tree.map(somewhere, page_size, elsewhere + 1, ram).error(), MmError::misaligned);
  EXPECT_EQ(tree.map(GuestPhys(end), page_size, elsewhere, ram).error(), MmError::out_of_range);
  EXPECT_EQ(tree.map(GuestPhys(end - page_size), 2 * page_size, elsewhere, ram).error(), MmError::out_of_range);
  EXPECT_EQ(tree.map(somewhere, ~uint64_t{0} - page_size + 1, elsewhere, ram).error(), MmError::out_of_range);
  EXPECT_EQ(tree.map(somewhere, page_size, HostPhys(uint64_t{1} << 48), ram).error(), MmError::out_of_range);
  EXPECT_EQ(tree.unmap(GuestPhys(~uint64_t{0} - page_size + 1), page_size).error(), MmError::out_of_range);
  EXPECT_TRUE(tree.map(GuestPhys(end - page_size), page_size, elsewhere, ram).ok());
  EXPECT_TRUE(tree.map(somewhere, 0, elsewhere, ram).ok());
}

TYPED_TEST(PageTable, changes_nothing_when_memory_runs_out) {
  // Every possible moment: the n-th allocation fails.
  for (unsigned limit = 0; limit < 9; ++limit) {
    Tree<TypeParam> tree;
    ASSERT_TRUE(tree.map(GuestPhys(0), gib, elsewhere, ram).ok());
    const unsigned before = tree.memory.allocated;
    tree.memory.limit = before + limit;
    const auto mapped = tree.map(somewhere, 6 * mib, elsewhere + page_size, ram);
    if (!mapped.ok()) {
      EXPECT_EQ(mapped.error(), MmError::out_of_memory);
      EXPECT_FALSE(tree.table->translate(somewhere));
      EXPECT_EQ(tree.memory.allocated, before);
    }
    const unsigned middle = tree.memory.allocated;
    const auto unmapped = tree.unmap(GuestPhys(page_size), gib - 2 * page_size);
    if (!unmapped.ok()) {
      EXPECT_EQ(unmapped.error(), MmError::out_of_memory);
      EXPECT_EQ(tree.level_at(GuestPhys(0)), 2U);
      EXPECT_EQ(tree.memory.allocated, middle);
    }
  }
}

TYPED_TEST(PageTable, owes_an_invalidation_until_it_is_settled) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, 4 * page_size, elsewhere, ram).ok());
  const size_t before = tree.memory.invalidated.size();
  {
    auto flush = tree.table->unmap({somewhere, 2 * page_size});
    ASSERT_TRUE(flush.ok());
    EXPECT_TRUE(flush->owed());
    EXPECT_EQ(flush->range(), (GuestPhysRange{somewhere, 2 * page_size}));
    EXPECT_FALSE(tree.memory.is_settled());
  }
  EXPECT_EQ(tree.memory.invalidated.size(), before + 1);
  EXPECT_TRUE(tree.memory.is_settled());
  auto nothing = tree.table->unmap({somewhere, page_size});
  EXPECT_FALSE(nothing->owed());
}

TYPED_TEST(PageTable, reports_each_step_of_a_walk) {
  Tree<TypeParam> tree;
  ASSERT_TRUE(tree.map(somewhere, page_size, elsewhere, ram).ok());
  const mm::TableWalk walk = tree.table->walk(somewhere);
  EXPECT_EQ(walk.first, TypeParam::geometry(40).root_level);
  EXPECT_EQ(walk.last, 0U);
  EXPECT_EQ(walk.steps[walk.first].table, tree.table->root());
  EXPECT_EQ(tree.memory.format.address(walk.steps[0].entry, 0), elsewhere);
  EXPECT_EQ(tree.table->walk(GuestPhys(~uint64_t{0})).last, walk.first);
}

// One page of the reference model.
struct ModelPage {
  HostPhys place;
  hal::PageAttributes attributes;
};

TYPED_TEST(PageTable, agrees_with_a_map_of_pages_under_random_changes) {
  std::mt19937 random(11);
  Tree<TypeParam> tree;
  std::map<uint64_t, ModelPage> model;  // by page number
  const uint64_t first = somewhere.value() / page_size;
  const uint64_t window = 8 * mib / page_size;
  for (int step = 0; step < 300; ++step) {
    const uint64_t start = random() % window;
    const uint64_t count = 1 + random() % (random() % 3 == 0 ? window - start : std::min<uint64_t>(8, window - start));
    const GuestPhys at{(first + start) * page_size};
    const auto in = [&](auto test) {
      for (uint64_t page = first + start; page < first + start + count; ++page) {
        if (!test(page)) return false;
      }
      return true;
    };
    const hal::Rights rights = random() % 2 == 0 ? hal::read_only : hal::full_access;
    switch (random() % 3) {
      case 0: {
        const HostPhys to = elsewhere + (random() % 2 == 0 ? start : random() % window) * page_size;
        const bool free = in([&](uint64_t page) { return !model.contains(page); });
        ASSERT_EQ(tree.map(at, count * page_size, to, {rights}).ok(), free);
        if (!free) break;
        for (uint64_t i = 0; i < count; ++i) model[first + start + i] = {to + i * page_size, {rights}};
        break;
      }
      case 1:
        ASSERT_TRUE(tree.unmap(at, count * page_size).ok());
        for (uint64_t i = 0; i < count; ++i) model.erase(first + start + i);
        break;
      case 2: {
        const bool full = in([&](uint64_t page) { return model.contains(page); });
        ASSERT_EQ(tree.protect(at, count * page_size, rights).ok(), full);
        if (!full) break;
        for (uint64_t i = 0; i < count; ++i) model[first + start + i].attributes.rights = rights;
        break;
      }
    }
    for (uint64_t page = first; page < first + window; page += 1 + random() % 7) {
      const auto found = tree.table->translate(GuestPhys(page * page_size));
      const auto expected = model.find(page);
      ASSERT_EQ(found.has_value(), expected != model.end()) << page;
      if (!found) continue;
      ASSERT_EQ(found->place, expected->second.place);
      ASSERT_EQ(found->attributes, expected->second.attributes);
    }
  }
}

// --- what the hardware reads -----------------------------------------------------------------------------------------

TEST(Stage1Format, writes_the_bits_that_the_manual_asks_for) {
  const arch::regs::Stage1 format{.guarded_pages = true};
  const HostPhys place{0x1234'5000};
  // Page, normal memory, RW, never executable: valid, page, AttrIndx 1, AP[1], inner shareable, AF, XN.
  EXPECT_EQ(format.leaf(place, {hal::read_write}, 0), 0x0040'0000'1234'5747U);
  // Code: AP[2] makes it read-only, GP guards it, XN is clear.
  EXPECT_EQ(format.leaf(place, {hal::read_execute}, 0), 0x0004'0000'1234'57c7U);
  EXPECT_EQ(arch::regs::Stage1{}.leaf(place, {hal::read_execute}, 0), 0x0000'0000'1234'57c7U);
  // A 2 MiB block of device registers: bit 1 clear, AttrIndx 0.
  EXPECT_EQ(format.leaf(HostPhys(0x900'0000), {hal::read_write, hal::MemoryKind::device}, 1), 0x0040'0000'0900'0741U);
  EXPECT_EQ(format.table(place), 0x1234'5003U);
}

TEST(Stage2Format, writes_the_bits_that_the_manual_asks_for) {
  const arch::regs::Stage2 format;
  const HostPhys place{0x8000'0000};
  // 1 GiB of RAM: valid block, MemAttr 0b1111, S2AP 0b11, inner shareable, AF, executable.
  EXPECT_EQ(format.leaf(place, {hal::full_access}, 2), 0x8000'07fdU);
  EXPECT_EQ(format.leaf(place, {hal::read_only}, 0), 0x0040'0000'8000'077fU);
  EXPECT_EQ(format.leaf(place, {hal::read_write, hal::MemoryKind::device}, 0), 0x0040'0000'8000'07c7U);
}

TEST(Stage2Format, chooses_a_root_that_reaches_every_address) {
  for (unsigned bits = 32; bits <= 48; ++bits) {
    const hal::TableGeometry geometry = arch::regs::Stage2::geometry(bits);
    EXPECT_GE(hal::table_span(geometry.root_level) << geometry.root_order, uint64_t{1} << bits);
    EXPECT_LE(geometry.root_order, 4U);
    EXPECT_EQ(arch::regs::Stage2::vtcr_sl0(geometry), bits <= 43 ? 1U : 2U);
  }
}

TEST(Stage2Format, finds_pages_through_concatenated_roots) {
  Tree<arch::regs::Stage2> tree(42);
  const GuestPhys high{(uint64_t{1} << 42) - 2 * mib};
  ASSERT_TRUE(tree.map(high, 2 * mib, elsewhere, ram).ok());
  EXPECT_EQ(tree.table->walk(high).steps[2].index, 8 * 512 - 1U);
  EXPECT_EQ(tree.table->translate(high + 5)->place, elsewhere + 5);
}

TEST(LoongArchFormat, writes_the_bits_that_the_manual_asks_for) {
  const arch::regs::PageTable format{.nowhere = {HostPhys(0x1000), HostPhys(0x2000), HostPhys(0x3000)}};
  const HostPhys place{0x8000'0000};
  // RAM: V, D, MAT = CC, P, W.
  EXPECT_EQ(format.leaf(place, {hal::full_access}, 0), 0x8000'0193U);
  // A huge page has H; registers have MAT = SUC.
  EXPECT_EQ(format.leaf(place, {hal::full_access}, 1), 0x8000'01d3U);
  EXPECT_EQ(format.leaf(place, {hal::read_write, hal::MemoryKind::device}, 0), 0x4000'0000'8000'0183U);
  EXPECT_EQ(format.leaf(place, {hal::read_only}, 0), 0x4000'0000'8000'0091U);
  // Directories are bare addresses; an empty one leads to a table that translates nothing.
  EXPECT_EQ(format.table(place), place.value());
  EXPECT_EQ(format.empty(0), 0U);
  EXPECT_EQ(format.empty(1), 0x1000U);
  EXPECT_EQ(format.empty(3), 0x3000U);
}

}  // namespace
