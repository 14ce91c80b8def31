// SPDX-License-Identifier: Apache-2.0
#include "mm/frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::kib;
using hal::mib;
using mm::FrameUse;

// An allocator over fake memory that starts clean.
class Fixture : public testing::Test {
 protected:
  void start(std::vector<HostPhysRange> ranges) {
    arch::Mmu::reset();
    frames = std::make_unique<mm::FrameAllocator>();
    metadata.assign(mm::FrameAllocator::metadata_size(ranges), std::byte{0x5a});
    ASSERT_TRUE(frames->init(ranges, metadata).ok());
    for (const HostPhysRange& range : ranges) frames->release_at_boot(range);
    start_counts = frames->counts();
  }
  HostPhys take(mm::Order order, FrameUse use = FrameUse::heap) { return frames->allocate(order, use).value(); }

  std::vector<std::byte> metadata;
  std::unique_ptr<mm::FrameAllocator> frames;
  mm::FrameCounts start_counts;
};
class FrameAllocator : public Fixture {};

constexpr HostPhys base{1024 * mib};

TEST_F(FrameAllocator, counts_every_frame_of_every_range) {
  start({{base, 64 * mib}, {base + 128 * mib, 12 * kib}});
  EXPECT_EQ(start_counts.total, 64 * mib / hal::page_size + 3);
  EXPECT_EQ(start_counts.free, start_counts.total);
  EXPECT_EQ(start_counts.in_use(FrameUse::hypervisor), 0U);
}

TEST_F(FrameAllocator, keeps_frames_that_boot_did_not_release) {
  arch::Mmu::reset();
  const std::vector<HostPhysRange> ranges{{base, mib}};
  metadata.resize(mm::FrameAllocator::metadata_size(ranges));
  mm::FrameAllocator allocator;
  ASSERT_TRUE(allocator.init(ranges, metadata).ok());
  allocator.release_at_boot({base + 16 * kib, mib - 16 * kib});
  EXPECT_EQ(allocator.counts().in_use(FrameUse::hypervisor), 4U);
  EXPECT_EQ(allocator.counts().free, 252U);
  while (allocator.allocate(0, FrameUse::heap).ok()) {
  }
  EXPECT_EQ(allocator.counts().in_use(FrameUse::heap), 252U);
  // One of boot's frames may be given back later.
  allocator.free(base + 4 * kib, 0, FrameUse::hypervisor);
  EXPECT_EQ(allocator.allocate(0, FrameUse::heap).value(), base + 4 * kib);
}

TEST_F(FrameAllocator, refuses_too_little_metadata) {
  const std::vector<HostPhysRange> ranges{{base, mib}};
  std::vector<std::byte> little(255);
  mm::FrameAllocator allocator;
  EXPECT_EQ(allocator.init(ranges, little).error(), mm::MmError::out_of_range);
}

TEST_F(FrameAllocator, aligns_each_block_to_its_size) {
  start({{base + 4 * kib, 3 * mib}});
  for (mm::Order order = 0; order <= 8; ++order) {
    const HostPhys block = take(order);
    EXPECT_TRUE(block.is_aligned(mm::block_size(order))) << order;
  }
}

TEST_F(FrameAllocator, serves_blocks_up_to_one_gibibyte) {
  start({{base, 2048 * mib}});
  EXPECT_EQ(frames->largest_free(), mm::max_order);
  EXPECT_EQ(take(mm::max_order), base + 1024 * mib);
  EXPECT_EQ(frames->largest_free(), mm::max_order);
  EXPECT_EQ(take(mm::max_order), base);
  EXPECT_EQ(frames->largest_free(), std::nullopt);
  EXPECT_EQ(frames->allocate(0, FrameUse::heap).error(), mm::MmError::out_of_memory);
  EXPECT_EQ(frames->allocate(mm::max_order + 1, FrameUse::heap).error(), mm::MmError::out_of_memory);
}

TEST_F(FrameAllocator, merges_buddies_back_into_the_blocks_they_came_from) {
  start({{base, 32 * mib}});
  const auto largest = frames->largest_free();
  std::vector<HostPhys> blocks;
  while (frames->largest_free()) blocks.push_back(take(0));
  EXPECT_EQ(blocks.size(), 32 * mib / hal::page_size);
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
  for (const HostPhys block : blocks) frames->free(block, 0, FrameUse::heap);
  EXPECT_EQ(frames->counts(), start_counts);
  EXPECT_EQ(frames->largest_free(), largest);
}

TEST_F(FrameAllocator, does_not_merge_across_the_end_of_a_range) {
  start({{base, 4 * kib}, {base + 4 * kib, 4 * kib}});
  EXPECT_EQ(frames->largest_free(), 0U);
}

TEST_F(FrameAllocator, gives_out_memory_without_traces_of_the_hypervisor) {
  start({{base, mib}});
  const HostPhys block = take(3);
  std::memset(mm::to_virt(block), 0xaa, 32 * kib);
  frames->free(block, 3, FrameUse::heap);
  const HostPhys all = take(8);
  const auto* bytes = mm::to_virt_as<unsigned char>(all);
  EXPECT_TRUE(std::all_of(bytes, bytes + mib, [](unsigned char byte) { return byte == 0; }));
}

TEST_F(FrameAllocator, zeroes_on_request_what_the_firmware_left) {
  start({{base, mib}});
  std::memset(mm::to_virt(base + 64 * kib), 0xaa, 4 * kib);
  const HostPhys all = frames->allocate(8, FrameUse::heap, mm::Contents::zeroed).value();
  EXPECT_EQ(*mm::to_virt_as<uint64_t>(all + 64 * kib), 0U);
}

TEST_F(FrameAllocator, keeps_a_guests_memory_apart_until_it_is_scrubbed) {
  start({{base, 8 * mib}});
  const HostPhys block = take(11, FrameUse::guest);
  std::memset(mm::to_virt(block), 0xee, 8 * mib);
  frames->free_dirty(block, 11, FrameUse::guest);
  EXPECT_EQ(frames->counts().dirty, 2048U);
  EXPECT_EQ(frames->counts().free, 0U);
  EXPECT_EQ(frames->allocate(0, FrameUse::heap).error(), mm::MmError::out_of_memory);

  EXPECT_TRUE(frames->scrub_some(64 * kib));
  EXPECT_EQ(frames->counts().free, 16U);
  EXPECT_EQ(frames->counts().dirty, 2032U);
  unsigned steps = 1;
  while (frames->scrub_some(64 * kib)) ++steps;
  EXPECT_EQ(steps, 127U);
  EXPECT_EQ(frames->counts(), start_counts);
  const auto* bytes = mm::to_virt_as<unsigned char>(take(11));
  EXPECT_TRUE(std::all_of(bytes, bytes + 8 * mib, [](unsigned char byte) { return byte == 0; }));
}

TEST_F(FrameAllocator, scrubs_in_pieces_that_are_not_a_power_of_two) {
  start({{base, mib}});
  frames->free_dirty(take(8, FrameUse::guest), 8, FrameUse::guest);
  EXPECT_TRUE(frames->scrub_some(20 * kib));
  EXPECT_GE(frames->counts().free, 5U);
  EXPECT_LE(frames->counts().free, 8U);
  EXPECT_TRUE(frames->scrub_some(1));
  while (frames->scrub_some(12 * kib)) {
  }
  EXPECT_EQ(frames->counts(), start_counts);
  EXPECT_FALSE(frames->scrub_some(mib));
}

TEST_F(FrameAllocator, gives_back_every_page_it_took) {
  start({{base, 16 * mib}, {base + 32 * mib, 5 * mib}});
  {
    auto owned = mm::OwnedFrames::allocate(*frames, 4, FrameUse::table);
    ASSERT_TRUE(owned.ok());
    mm::OwnedFrames moved = std::move(owned).value();
    EXPECT_EQ(frames->counts().in_use(FrameUse::table), 16U);
    mm::OwnedFrames other;
    other = std::move(moved);
    EXPECT_FALSE(moved);
    EXPECT_EQ(other.size(), 64 * kib);
  }
  EXPECT_EQ(frames->counts(), start_counts);
}

TEST_F(FrameAllocator, stops_at_a_block_that_is_freed_twice_or_differently) {
  start({{base, mib}});
  const HostPhys block = take(2);
  EXPECT_DEATH(frames->free(block, 1, FrameUse::heap), "freed a frame");
  EXPECT_DEATH(frames->free(block, 2, FrameUse::guest), "freed a frame");
  EXPECT_DEATH(frames->free(block + 4 * kib, 0, FrameUse::heap), "freed a frame");
  frames->free(block, 2, FrameUse::heap);
  EXPECT_DEATH(frames->free(block, 2, FrameUse::heap), "freed a frame");
  EXPECT_DEATH(frames->free(base - 4 * kib, 0, FrameUse::heap), "outside all usable RAM");
}

TEST_F(FrameAllocator, agrees_with_a_map_of_intervals_under_random_use) {
  start({{base, 24 * mib}, {base + 64 * mib, 7 * mib + 12 * kib}});
  std::mt19937 random(7);
  struct Taken {
    mm::Order order;
    FrameUse use;
  };
  std::map<HostPhys, Taken> taken;
  uint64_t used = 0;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 || taken.empty()) {
      const mm::Order order = random() % 11;
      const auto use = static_cast<FrameUse>(random() % mm::frame_uses);
      const auto block = frames->allocate(order, use);
      if (!block.ok()) continue;
      const HostPhysRange range{block.value(), mm::block_size(order)};
      const auto next = taken.upper_bound(range.start);
      ASSERT_TRUE(next == taken.end() || next->first >= range.end());
      if (next != taken.begin()) {
        const auto previous = std::prev(next);
        ASSERT_LE(previous->first + mm::block_size(previous->second.order), range.start);
      }
      ASSERT_EQ(frames->order_of(range.start), order);
      taken[range.start] = {order, use};
      used += uint64_t{1} << order;
    } else {
      auto victim = std::next(taken.begin(), static_cast<long>(random() % taken.size()));
      used -= uint64_t{1} << victim->second.order;
      if (victim->second.use == FrameUse::guest) {
        frames->free_dirty(victim->first, victim->second.order, FrameUse::guest);
        while (random() % 8 != 0 && frames->scrub_some(random() % (256 * kib))) {
        }
      } else {
        frames->free(victim->first, victim->second.order, victim->second.use);
      }
      taken.erase(victim);
    }
    const mm::FrameCounts counts = frames->counts();
    ASSERT_EQ(counts.free + counts.dirty + used, counts.total);
  }
  for (const auto& [block, info] : taken) frames->free(block, info.order, info.use);
  while (frames->scrub_some(mib)) {
  }
  EXPECT_EQ(frames->counts(), start_counts);
  EXPECT_EQ(frames->largest_free(), 12U);
}

}  // namespace
