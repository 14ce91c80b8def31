// SPDX-License-Identifier: Apache-2.0
#include "mm/host_space.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "memory.hpp"
#include "mm/frames.hpp"

namespace {

using hal::HostPhys;
using hal::HostVirt;
using hal::kib;
using hal::page_size;
using mm::FrameUse;
using mm::MmError;

// What a CPU would find by walking the host tables.
struct Found {
  HostPhys place;
  hal::PageAttributes attributes;
};
std::optional<Found> look_up(HostVirt place) {
  const arch::Mmu::HostFormat format = arch::Mmu::host_format();
  HostPhys table = arch::Mmu::active_root;
  for (hal::TableLevel level = 3;; --level) {
    const unsigned index = place.value() / hal::entry_span(level) % hal::table_entries;
    const uint64_t entry = mm::to_virt_as<uint64_t>(table)[index];
    if (format.is_leaf(entry, level)) {
      return Found{format.address(entry, level) + place.offset_in(hal::entry_span(level)),
                   format.attributes(entry, level)};
    }
    if (!format.is_table(entry, level)) return std::nullopt;
    table = format.address(entry, level);
  }
}
HostVirt direct(HostPhys place) { return arch::Mmu::direct_map_base + place.value(); }

class HostSpace : public testing::Test {
 protected:
  void SetUp() override { start_mm(); }
};

TEST_F(HostSpace, maps_the_image_with_the_rights_of_each_section) {
  EXPECT_EQ(arch::Mmu::active_root, mm::host_root());
  EXPECT_EQ(look_up(fake_text + 4)->attributes.rights, hal::read_execute);
  EXPECT_EQ(look_up(fake_text + 64 * kib)->attributes.rights, hal::read_only);
  EXPECT_EQ(look_up(fake_text + 96 * kib)->attributes.rights, hal::read_write);
  EXPECT_EQ(look_up(fake_text + 96 * kib + 8)->place, fake_image.start + 96 * kib + 8);
  EXPECT_FALSE(look_up(fake_text + 128 * kib));
}

TEST_F(HostSpace, shows_all_ram_in_the_direct_map_but_never_executable) {
  for (HostPhys place = fake_ram.start + 96 * kib; place < fake_ram.end(); place += 64 * hal::mib + page_size) {
    const auto found = look_up(direct(place));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->place, place);
    EXPECT_EQ(found->attributes, hal::PageAttributes{hal::read_write});
  }
  EXPECT_FALSE(look_up(direct(fake_ram.end())));
  EXPECT_FALSE(look_up(direct(fake_ram.start - 1)));
}

TEST_F(HostSpace, leaves_no_writable_alias_of_code_and_constants) {
  EXPECT_FALSE(look_up(direct(fake_image.start)));
  EXPECT_FALSE(look_up(direct(fake_image.start + 96 * kib - 1)));
  EXPECT_TRUE(look_up(direct(fake_image.start + 96 * kib)));
}

TEST_F(HostSpace, maps_the_code_that_switches_the_mmu_at_its_physical_address) {
  const HostVirt same{fake_image.start.value() + 8 * kib};
  EXPECT_EQ(look_up(same)->place, fake_image.start + 8 * kib);
  EXPECT_EQ(look_up(same)->attributes.rights, hal::read_execute);
  EXPECT_FALSE(look_up(same - 1));
  EXPECT_FALSE(look_up(same + page_size));
}

TEST_F(HostSpace, counts_what_boot_took_as_the_hypervisors) {
  const mm::FrameCounts counts = mm::frames().counts();
  EXPECT_EQ(counts.total, (fake_ram.size - fake_image.size) / page_size);
  // Metadata of one byte per frame, and a handful of tables.
  EXPECT_GE(counts.in_use(FrameUse::hypervisor), 128U);
  EXPECT_LE(counts.in_use(FrameUse::hypervisor), 128U + 12U);
  EXPECT_GE(mm::hypervisor_memory(), fake_image.size + 128 * page_size);
}

TEST_F(HostSpace, puts_an_unmapped_page_below_each_stack) {
  auto a = mm::allocate_stack(16 * kib).value();
  auto b = mm::allocate_stack(16 * kib).value();
  for (const mm::Stack* stack : {&a, &b}) {
    EXPECT_EQ(stack->range().size, 16 * kib);
    EXPECT_EQ(look_up(stack->top() - 1)->attributes, hal::PageAttributes{hal::read_write});
    EXPECT_TRUE(look_up(stack->range().start));
    EXPECT_FALSE(look_up(stack->range().start - 1));
    EXPECT_FALSE(look_up(stack->top()));
    EXPECT_TRUE(mm::is_mapped(stack->top() - 16));
    EXPECT_FALSE(mm::is_mapped(stack->range().start - 16));
  }
  EXPECT_FALSE(a.range().overlaps(b.range()));
}

TEST_F(HostSpace, gives_back_every_page_of_a_stack) {
  const mm::FrameCounts before = mm::frames().counts();
  for (int round = 0; round < 3; ++round) {
    std::vector<mm::Stack> stacks;
    for (int i = 0; i < 100; ++i) stacks.push_back(mm::allocate_stack(8 * kib).value());
    EXPECT_EQ(mm::frames().counts().in_use(FrameUse::stack), before.in_use(FrameUse::stack) + 200);
    const HostVirt top = stacks[50].top();
    const size_t invalidated = arch::Mmu::host_invalidated.size();
    stacks.erase(stacks.begin() + 50);
    EXPECT_GT(arch::Mmu::host_invalidated.size(), invalidated);
    EXPECT_FALSE(look_up(top - 8));
  }
  EXPECT_EQ(mm::frames().counts(), before);
}

TEST_F(HostSpace, refuses_odd_stacks) {
  EXPECT_EQ(mm::allocate_stack(0).error(), MmError::misaligned);
  EXPECT_EQ(mm::allocate_stack(100).error(), MmError::misaligned);
  EXPECT_EQ(mm::allocate_stack(12 * kib).error(), MmError::misaligned);
  EXPECT_EQ(mm::allocate_stack(1024 * kib).error(), MmError::out_of_memory);
}

TEST_F(HostSpace, maps_the_registers_of_a_device_once) {
  const HostPhys uart{0x900'0000};
  const HostVirt place = mm::map_device(uart, 0x1000).value();
  EXPECT_EQ(look_up(place)->place, uart);
  EXPECT_EQ(look_up(place)->attributes, (hal::PageAttributes{hal::read_write, hal::MemoryKind::device}));
  EXPECT_FALSE(look_up(place - 1));
  EXPECT_FALSE(look_up(place + 0x1000));
  EXPECT_EQ(mm::map_device(uart + 0x18, 4).value(), place + 0x18);
  const HostVirt odd = mm::map_device(HostPhys(0xa00'0e00), 0x400).value();
  EXPECT_EQ(odd.offset_in(page_size), 0xe00U);
  EXPECT_EQ(look_up(odd + 0x3ff)->place, HostPhys(0xa00'11ff));
  // Reports do not read registers.
  EXPECT_FALSE(mm::is_mapped(place));
}

TEST_F(HostSpace, refuses_to_map_ram_or_nonsense_as_a_device) {
  EXPECT_EQ(mm::map_device(fake_ram.start + hal::mib, 0x1000).error(), MmError::out_of_range);
  EXPECT_EQ(mm::map_device(fake_ram.start - 0x800, 0x1000).error(), MmError::out_of_range);
  EXPECT_EQ(mm::map_device(HostPhys(0x900'0000), 0).error(), MmError::out_of_range);
  EXPECT_EQ(mm::map_device(HostPhys(~uint64_t{0} - 7), 8).error(), MmError::out_of_range);
  EXPECT_EQ(mm::map_device(HostPhys(uint64_t{1} << 50), 8).error(), MmError::out_of_range);
}

TEST_F(HostSpace, never_maps_a_page_writable_and_executable) {
  const HostVirt place{0x1000'0000};
  EXPECT_EQ(mm::map_fixed({place, page_size}, HostPhys(0x1000'0000), {hal::full_access}).error(), MmError::no_access);
  ASSERT_TRUE(mm::map_fixed({place, page_size}, HostPhys(0x1000'0000), {hal::read_execute}).ok());
  EXPECT_EQ(look_up(place)->attributes.rights, hal::read_execute);
  ASSERT_TRUE(mm::unmap_fixed({place, page_size}).ok());
  EXPECT_FALSE(look_up(place));
}

}  // namespace
