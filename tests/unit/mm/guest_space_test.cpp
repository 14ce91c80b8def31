// SPDX-License-Identifier: Apache-2.0
#include "mm/guest_space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "memory.hpp"

namespace {

using hal::gib;
using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::HostPhys;
using hal::kib;
using hal::mib;
using hal::page_size;
using mm::FrameUse;
using As = mm::GuestSpace::As;
using mm::MmError;

constexpr GuestPhys ram_base{0x4000'0000};

class GuestSpace : public testing::Test {
 protected:
  void SetUp() override {
    start_mm();
    heap_before = mm::heap_counts();
    frames_before = mm::frames().counts();
    space = mm::GuestSpace::create(40).value();
  }
  void TearDown() override {
    space.reset();
    while (mm::frames().scrub_some(64 * mib)) {
    }
    EXPECT_EQ(mm::heap_counts(), heap_before);
    EXPECT_EQ(mm::frames().counts(), frames_before);
  }
  static std::vector<std::byte> bytes(size_t count) {
    std::vector<std::byte> all(count);
    for (size_t i = 0; i < count; ++i) all[i] = static_cast<std::byte>(i * 7 + 1);
    return all;
  }

  mm::HeapCounts heap_before;
  mm::FrameCounts frames_before;
  mm::Owned<mm::GuestSpace> space;
};

TEST_F(GuestSpace, backs_ram_with_the_largest_blocks) {
  ASSERT_TRUE(space->add_ram({ram_base, gib + 256 * mib + 64 * kib}).ok());
  EXPECT_EQ(space->translate(ram_base)->level, 2U);
  EXPECT_EQ(space->translate(ram_base + gib)->level, 1U);
  EXPECT_EQ(space->translate(ram_base + gib + 256 * mib)->level, 0U);
  EXPECT_EQ(space->ram_bytes(), gib + 256 * mib + 64 * kib);
  // Two root tables, one for 2 MiB blocks, one for 4 KiB pages.
  EXPECT_EQ(space->table_bytes(), 4 * page_size);
  EXPECT_EQ(mm::frames().counts().in_use(FrameUse::guest), space->ram_bytes() / page_size);
}

TEST_F(GuestSpace, tells_the_hardware_where_its_tables_are) {
  EXPECT_TRUE(space->regime().attached);
  EXPECT_EQ(space->regime().address_bits, 40U);
  EXPECT_EQ(space->regime().geometry.root_order, 1U);
}

TEST_F(GuestSpace, refuses_sizes_that_the_machine_cannot_translate) {
  EXPECT_EQ(mm::GuestSpace::create(31).error(), MmError::out_of_range);
  EXPECT_EQ(mm::GuestSpace::create(45).error(), MmError::out_of_range);
}

TEST_F(GuestSpace, makes_do_with_small_blocks_when_memory_is_fragmented) {
  // Take everything, then give back every second 64 KiB.
  std::vector<HostPhys> kept;
  std::vector<HostPhys> holes;
  while (mm::frames().largest_free() >= 4U) {
    const HostPhys block = mm::frames().allocate(4, FrameUse::heap).value();
    (kept.size() <= holes.size() ? kept : holes).push_back(block);
  }
  for (const HostPhys block : holes) mm::frames().free_untouched(block, 4, FrameUse::heap);
  EXPECT_TRUE(space->add_ram({ram_base, mib}).ok());
  EXPECT_EQ(space->translate(ram_base + 512 * kib)->level, 0U);
  EXPECT_TRUE(space->write(ram_base, bytes(mib)).ok());
  for (const HostPhys block : kept) mm::frames().free_untouched(block, 4, FrameUse::heap);
  std::vector<std::byte> back(mib);
  ASSERT_TRUE(space->read(ram_base, back).ok());
  EXPECT_EQ(back, bytes(mib));
}

TEST_F(GuestSpace, changes_nothing_when_there_is_not_enough_memory) {
  const mm::FrameCounts before = mm::frames().counts();
  EXPECT_EQ(space->add_ram({ram_base, 4 * gib}).error(), MmError::out_of_memory);
  EXPECT_EQ(mm::frames().counts(), before);
  EXPECT_FALSE(space->translate(ram_base));
}

TEST_F(GuestSpace, changes_nothing_where_something_is_mapped_already) {
  ASSERT_TRUE(
      space->map({ram_base + 96 * mib, page_size}, HostPhys(0x900'0000), {hal::read_write, hal::MemoryKind::device})
          .ok());
  const mm::FrameCounts before = mm::frames().counts();
  EXPECT_EQ(space->add_ram({ram_base, 128 * mib}).error(), MmError::already_mapped);
  EXPECT_EQ(mm::frames().counts(), before);
  EXPECT_FALSE(space->translate(ram_base));
  EXPECT_EQ(space->ram_bytes(), 0U);
}

TEST_F(GuestSpace, refuses_hostile_ranges) {
  const GuestPhys top{uint64_t{1} << 40};
  EXPECT_EQ(space->add_ram({ram_base + 1, page_size}).error(), MmError::misaligned);
  EXPECT_EQ(space->add_ram({ram_base, 100}).error(), MmError::misaligned);
  EXPECT_EQ(space->add_ram({top, page_size}).error(), MmError::out_of_range);
  EXPECT_EQ(space->add_ram({top - page_size, 2 * page_size}).error(), MmError::out_of_range);
  EXPECT_EQ(space->add_ram({GuestPhys(~uint64_t{0} - 4095), page_size}).error(), MmError::out_of_range);
  std::vector<std::byte> buffer(64);
  EXPECT_EQ(space->read(GuestPhys(~uint64_t{0} - 10), buffer).error(), MmError::out_of_range);
  EXPECT_EQ(space->read(top, buffer).error(), MmError::not_mapped);
  EXPECT_EQ(space->write(GuestPhys(0), buffer).error(), MmError::not_mapped);
  EXPECT_EQ(space->window(ram_base, ~uint64_t{0}, hal::read_only).error(), MmError::out_of_range);
  EXPECT_EQ(space->window(ram_base, 0, hal::read_only).error(), MmError::out_of_range);
}

TEST_F(GuestSpace, copies_across_regions_and_stops_at_holes) {
  ASSERT_TRUE(space->add_ram({ram_base, 64 * kib}).ok());
  ASSERT_TRUE(space->add_ram({ram_base + 64 * kib, 64 * kib}).ok());
  const std::vector<std::byte> data = bytes(60 * kib);
  ASSERT_TRUE(space->write(ram_base + 34 * kib + 3, data).ok());
  std::vector<std::byte> back(data.size());
  ASSERT_TRUE(space->read(ram_base + 34 * kib + 3, back).ok());
  EXPECT_EQ(back, data);
  EXPECT_EQ(space->read(ram_base + 100 * kib, back).error(), MmError::not_mapped);
  ASSERT_TRUE(space->write_value(ram_base + 8, uint32_t{77}).ok());
  EXPECT_EQ(space->read_value<uint32_t>(ram_base + 8).value(), 77U);
}

TEST_F(GuestSpace, honours_the_rights_of_a_region) {
  ASSERT_TRUE(space->add_ram({ram_base, 64 * kib}, hal::read_execute).ok());
  EXPECT_EQ(space->write_value(ram_base, 1).error(), MmError::no_access);
  EXPECT_EQ(space->zero({ram_base, 16}).error(), MmError::no_access);
  EXPECT_TRUE(space->write(ram_base, bytes(8), As::owner).ok());
  EXPECT_TRUE(space->read_value<int>(ram_base).ok());
  EXPECT_FALSE(space->allows(ram_base, {.write = true}));
  EXPECT_TRUE(space->allows(ram_base, hal::read_execute));
  EXPECT_EQ(space->window(ram_base, 4, hal::read_write).error(), MmError::no_access);
  EXPECT_EQ(space->window(ram_base, 4, hal::read_only).value().size(), 4U);
}

TEST_F(GuestSpace, never_copies_device_registers) {
  const hal::PageAttributes registers{hal::read_write, hal::MemoryKind::device};
  ASSERT_TRUE(space->map({GuestPhys(0x900'0000), page_size}, HostPhys(0x900'0000), registers).ok());
  EXPECT_EQ(space->read_value<int>(GuestPhys(0x900'0000)).error(), MmError::no_access);
  std::vector<std::byte> some(4);
  EXPECT_EQ(space->write(GuestPhys(0x900'0000), some, As::owner).error(), MmError::no_access);
}

TEST_F(GuestSpace, invalidates_what_changes) {
  ASSERT_TRUE(space->add_ram({ram_base, 4 * mib}).ok());
  auto& invalidated = space->regime().invalidated;
  invalidated.clear();
  ASSERT_TRUE(space->protect({ram_base, page_size}, hal::read_only).ok());
  // First the block that had to be split, then the page.
  ASSERT_EQ(invalidated.size(), 2U);
  EXPECT_EQ(invalidated[0], (GuestPhysRange{ram_base, 2 * mib}));
  EXPECT_EQ(invalidated[1], (GuestPhysRange{ram_base, page_size}));
  ASSERT_TRUE(space->unmap({ram_base + 2 * mib, 2 * mib}).ok());
  EXPECT_EQ(invalidated.back(), (GuestPhysRange{ram_base + 2 * mib, 2 * mib}));
  EXPECT_FALSE(space->translate(ram_base + 2 * mib));
}

TEST_F(GuestSpace, zeroes_any_range) {
  ASSERT_TRUE(space->add_ram({ram_base, 64 * kib}).ok());
  ASSERT_TRUE(space->write(ram_base, bytes(64 * kib)).ok());
  ASSERT_TRUE(space->zero({ram_base + 5, 20 * kib}).ok());
  std::vector<std::byte> back(64 * kib);
  ASSERT_TRUE(space->read(ram_base, back).ok());
  std::vector<std::byte> expected = bytes(64 * kib);
  std::fill_n(expected.begin() + 5, 20 * kib, std::byte{0});
  EXPECT_EQ(back, expected);
  ASSERT_TRUE(space->zero({ram_base + 30 * kib + 1, 100}).ok());
  EXPECT_EQ(space->read_value<uint8_t>(ram_base + 30 * kib + 100).value(), 0);
}

TEST_F(GuestSpace, opens_windows_only_over_contiguous_memory) {
  ASSERT_TRUE(space->add_ram({ram_base, 8 * mib}).ok());
  const auto window = space->window(ram_base + 5, 4 * mib, hal::read_write).value();
  EXPECT_EQ(window.size(), 4 * mib);
  window[0] = std::byte{9};
  EXPECT_EQ(space->read_value<uint8_t>(ram_base + 5).value(), 9);
  EXPECT_EQ(space->window(ram_base + 8 * mib - 3, 100, hal::read_only).value().size(), 3U);
}

TEST_F(GuestSpace, publishes_what_was_loaded) {
  ASSERT_TRUE(space->add_ram({ram_base, 8 * mib}, hal::read_only).ok());
  arch::Mmu::published_bytes = 0;
  ASSERT_TRUE(space->publish({ram_base + 100, 3 * mib}).ok());
  EXPECT_EQ(arch::Mmu::published_bytes, 3 * mib);
  EXPECT_EQ(space->publish({ram_base + 7 * mib, 3 * mib}).error(), MmError::not_mapped);
}

TEST_F(GuestSpace, publishes_what_it_zeroes) {
  ASSERT_TRUE(space->add_ram({ram_base, 8 * mib}).ok());
  arch::Mmu::published_bytes = 0;
  ASSERT_TRUE(space->zero({ram_base + 100, 3 * mib}).ok());
  EXPECT_EQ(arch::Mmu::published_bytes, 3 * mib);
}

TEST_F(GuestSpace, returns_every_page_and_can_be_filled_again) {
  const mm::FrameCounts empty = mm::frames().counts();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(space->add_ram({ram_base, 32 * mib + 12 * kib}).ok());
    ASSERT_TRUE(space
                    ->map({GuestPhys(0x800'0000), 16 * page_size}, HostPhys(0x800'0000),
                          {hal::read_write, hal::MemoryKind::device})
                    .ok());
    ASSERT_TRUE(space->protect({ram_base + mib, page_size}, hal::no_access).ok());
    space->destroy();
    EXPECT_FALSE(space->translate(ram_base));
    EXPECT_EQ(space->ram_bytes(), 0U);
    EXPECT_EQ(space->table_bytes(), 2 * page_size);
    EXPECT_EQ(mm::frames().counts().dirty, 8192U + 3);
    while (mm::frames().scrub_some(mib)) {
    }
    EXPECT_EQ(mm::frames().counts(), empty);
  }
}

TEST_F(GuestSpace, never_shows_one_guests_data_to_the_next) {
  ASSERT_TRUE(space->add_ram({ram_base, 512 * mib}).ok());
  for (uint64_t offset = 0; offset < 512 * mib; offset += 16 * mib) {
    ASSERT_TRUE(space->write(ram_base + offset, bytes(page_size)).ok());
  }
  space->destroy();
  while (mm::frames().scrub_some(2 * mib)) {
  }
  ASSERT_TRUE(space->add_ram({ram_base, gib + 512 * mib}).ok());
  const std::vector<std::byte> zero(page_size);
  std::vector<std::byte> page(page_size);
  for (uint64_t offset = 0; offset < gib + 512 * mib; offset += 2 * mib) {
    ASSERT_TRUE(space->read(ram_base + offset, page).ok());
    ASSERT_EQ(page, zero) << offset;
  }
}

}  // namespace
