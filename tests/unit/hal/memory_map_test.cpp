// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/memory_map.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hal/base/format.hpp"

namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::MemoryMapError;

constexpr HostPhysRange range(uint64_t start, uint64_t size) { return {HostPhys(start), size}; }
constexpr uint64_t block = 0x20'0000;
constexpr HostPhysRange image = range(0x4020'0000, 0x8'0000);

hal::Platform machine(std::initializer_list<HostPhysRange> memory, std::initializer_list<HostPhysRange> reserved = {}) {
  hal::Platform platform;
  for (const HostPhysRange& piece : memory) EXPECT_TRUE(platform.memory.push_back(piece));
  for (const HostPhysRange& piece : reserved) EXPECT_TRUE(platform.reserved.push_back(piece));
  return platform;
}

// Static as where it is used: it is no small thing for a stack.
const hal::MemoryMap* map_of(const hal::Platform& platform) {
  static hal::MemoryMap map;
  return hal::map_memory(platform, image, block, map).ok() ? &map : nullptr;
}

MemoryMapError refusal_of(const hal::Platform& platform) {
  hal::MemoryMap map;
  return hal::map_memory(platform, image, block, map).error();
}

template <class List>
std::vector<HostPhysRange> all(const List& list) {
  return {list.begin(), list.end()};
}

TEST(MemoryMap, sorts_and_joins_what_firmware_lists_in_any_order) {
  const hal::MemoryMap* const map = map_of(
      machine({range(0x9000'0000, 0x1000'0000), range(0x4000'0000, 0x1000'0000), range(0x4800'0000, 0x1800'0000)}));
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(all(map->ram), (std::vector{range(0x4000'0000, 0x2000'0000), range(0x9000'0000, 0x1000'0000)}));
}

TEST(MemoryMap, offers_only_what_nothing_lies_in) {
  hal::Platform platform = machine({range(0x4000'0000, 0x1000'0000)}, {range(0x4100'0800, 0x1000)});
  platform.initrd = range(0x4800'0010, 0x10);
  const hal::MemoryMap* const map = map_of(platform);
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(all(map->usable), (std::vector{range(0x4000'0000, 0x20'0000), range(0x4028'0000, 0xd8'0000),
                                           range(0x4100'2000, 0x6ff'e000), range(0x4800'1000, 0x7ff'f000)}));
}

TEST(MemoryMap, uses_whole_pages_only) {
  const hal::MemoryMap* const map = map_of(machine({range(0x4000'0800, 0xfff'f800), range(0x6000'0001, 0xfff)}));
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(all(map->ram), (std::vector{range(0x4000'1000, 0xfff'f000)}));
}

TEST(MemoryMap, refuses_a_machine_that_it_cannot_describe) {
  EXPECT_EQ(refusal_of(machine({})), MemoryMapError::no_memory);
  // All of the boot block belongs to us, not only the image.
  EXPECT_EQ(refusal_of(machine({range(0x4000'0000, 0x30'0000)})), MemoryMapError::image_elsewhere);
}

TEST(MemoryMap, keeps_as_many_reservations_as_discovery_does) {
  hal::Platform platform = machine({range(0x4000'0000, 0x1000'0000)});
  while (platform.reserved.push_back(range(0x4100'0000 + platform.reserved.size() * 0x2000, 0x1000))) {
  }
  const hal::MemoryMap* const map = map_of(platform);
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(map->usable.size(), platform.reserved.size() + 2);
}

TEST(MemoryMap, refuses_memory_in_more_pieces_than_it_can_tell_apart) {
  hal::Platform platform = machine({range(0x4000'0000, 0x1000'0000)});
  for (uint64_t i = 1; platform.memory.push_back(range(i << 32, 0x10'0000)); ++i) {
  }
  for (uint64_t i = 1; platform.reserved.push_back(range((i << 32) + 0x8'0000, 0x1000)); ++i) {
  }
  platform.initrd = range(0x4800'0000, 0x1000);
  EXPECT_EQ(refusal_of(platform), MemoryMapError::too_many_pieces);
}

}  // namespace
