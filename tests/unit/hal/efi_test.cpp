// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/efi.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace {

using hal::HostPhys;
using hal::HostPhysRange;

// A megabyte at 0x10'0000, with a system table at its start and its configuration tables 4 KiB behind.
class Memory final : public hal::PhysicalReader {
 public:
  static constexpr uint64_t start = 0x10'0000, size = 0x10'0000, system_table = start, tables = start + 0x1000;

  Memory() : bytes_(size) {
    set(system_table, 0x5453'5953'2049'4249);
    set(system_table + 112, tables);
  }
  bool read(HostPhys place, std::span<std::byte> bytes) override {
    if (!HostPhysRange{HostPhys(start), size}.contains({place, bytes.size()})) return false;
    std::memcpy(bytes.data(), &bytes_[place.value() - start], bytes.size());
    return true;
  }
  void set(uint64_t place, uint64_t value) { std::memcpy(&bytes_[place - start], &value, sizeof value); }
  // The two halves of a GUID as they lie in memory.
  void add(uint64_t low, uint64_t high, uint64_t table) {
    set(tables + 24 * count_, low);
    set(tables + 24 * count_ + 8, high);
    set(tables + 24 * count_ + 16, table);
    set(system_table + 104, ++count_);
  }
  void add_fdt(uint64_t table) { add(0x41a5'f19c'b1b6'21d5, 0xe0aa'692c'15d9'0b83, table); }
  void add_initrd(uint64_t table) { add(0x4f3d'68fc'5568'e427, 0x68cc'3152'55ca'74ac, table); }

 private:
  std::vector<std::byte> bytes_;
  uint64_t count_ = 0;
};

TEST(EfiTables, finds_device_tree_and_initrd_among_others) {
  Memory memory;
  memory.add(1, 2, 3);
  memory.add_initrd(Memory::start + 0x2000);
  memory.add_fdt(0x4567'8000);
  memory.set(Memory::start + 0x2000, 0x9000'0000);
  memory.set(Memory::start + 0x2008, 0x12'3456);
  const hal::EfiTables found = hal::read_efi_tables(HostPhys(Memory::system_table), memory);
  EXPECT_EQ(found.fdt, HostPhys(0x4567'8000));
  EXPECT_EQ(found.initrd, (HostPhysRange{HostPhys(0x9000'0000), 0x12'3456}));
}

TEST(EfiTables, finds_nothing_where_there_is_no_system_table) {
  Memory memory;
  memory.add_fdt(0x4567'8000);
  EXPECT_FALSE(hal::read_efi_tables(HostPhys(0), memory).fdt.has_value());
  EXPECT_FALSE(hal::read_efi_tables(HostPhys(~uint64_t{7}), memory).fdt.has_value());
  memory.set(Memory::system_table, 1);
  EXPECT_FALSE(hal::read_efi_tables(HostPhys(Memory::system_table), memory).fdt.has_value());
}

TEST(EfiTables, ends_where_firmware_counts_more_than_can_be_read) {
  Memory memory;
  memory.add_fdt(0x4567'8000);
  memory.set(Memory::system_table + 104, ~uint64_t{0});
  memory.set(Memory::system_table + 112, Memory::start + Memory::size - 24);
  EXPECT_FALSE(hal::read_efi_tables(HostPhys(Memory::system_table), memory).fdt.has_value());
}

TEST(EfiTables, believes_in_no_initrd_that_is_empty_or_wraps) {
  for (const auto& [start, size] : std::vector<std::pair<uint64_t, uint64_t>>{{0x9000'0000, 0}, {~uint64_t{0xfff}, 0x2000}}) {
    Memory memory;
    memory.add_initrd(Memory::start + 0x2000);
    memory.set(Memory::start + 0x2000, start);
    memory.set(Memory::start + 0x2008, size);
    EXPECT_FALSE(hal::read_efi_tables(HostPhys(Memory::system_table), memory).initrd.has_value());
  }
}

}  // namespace
