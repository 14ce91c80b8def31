// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/partition.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "hal/base/address.hpp"

namespace {

using vmm::DiskRange;
using vmm::PartitionError;

constexpr uint64_t sector = 512, disk_size = 2048 * sector;

class MemoryReader final : public vmm::DiskReader {
 public:
  bool read(uint64_t offset, std::span<std::byte> to) override {
    EXPECT_EQ(offset % to.size(), 0U) << "whole blocks";
    EXPECT_LE(offset + to.size(), bytes.size());
    if (fails || offset + to.size() > bytes.size()) return false;
    std::memcpy(to.data(), &bytes[offset], to.size());
    return true;
  }
  std::vector<std::byte> bytes = std::vector<std::byte>(disk_size);
  bool fails = false;
};

class Partitions : public testing::Test {
 protected:
  // Whether sfdisk, which is not ours, made a table of this script.
  bool make(const std::string& script) {
    const std::string path = testing::TempDir() + "/partitions-" + std::to_string(getpid());
    std::ofstream(path, std::ios::binary).close();
    if (truncate(path.c_str(), disk_size) != 0) return false;
    const std::string command = "/usr/sbin/sfdisk --quiet " + path + " >/dev/null 2>&1";
    FILE* const tool = popen(command.c_str(), "w");
    if (tool == nullptr) return false;
    std::fputs(script.c_str(), tool);
    const bool good = pclose(tool) == 0;
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(disk.bytes.data()), disk_size);
    std::remove(path.c_str());
    return good;
  }
  hal::Result<DiskRange, PartitionError> find(uint32_t number, size_t block = 512) {
    std::vector<std::byte> scratch(block);
    return vmm::find_partition(disk, disk_size, number, scratch);
  }
  std::optional<PartitionError> error(uint32_t number) {
    const auto found = find(number);
    return found ? std::nullopt : std::optional(found.error());
  }
  template <class T>
  void put(size_t at, T value) {
    std::memcpy(&disk.bytes[at], &value, sizeof value);
  }
  MemoryReader disk;
};

#define SKIP_WITHOUT_SFDISK() \
  if (std::ifstream("/usr/sbin/sfdisk").fail()) GTEST_SKIP() << "sfdisk is not installed"

TEST_F(Partitions, of_a_gpt_are_where_sfdisk_put_them) {
  SKIP_WITHOUT_SFDISK();
  ASSERT_TRUE(make("label: gpt\nfirst-lba: 34\nstart=64, size=512\nstart=1024, size=64\n5 : start=1200, size=700\n"));
  EXPECT_EQ(*find(1), (DiskRange{64 * sector, 512 * sector}));
  EXPECT_EQ(*find(2), (DiskRange{1024 * sector, 64 * sector}));
  EXPECT_EQ(*find(5), (DiskRange{1200 * sector, 700 * sector}));
  EXPECT_EQ(error(3), PartitionError::not_there);
  EXPECT_EQ(error(128), PartitionError::not_there);
  EXPECT_EQ(error(129), PartitionError::not_there);
}

TEST_F(Partitions, of_an_mbr_are_where_sfdisk_put_them) {
  SKIP_WITHOUT_SFDISK();
  ASSERT_TRUE(make("label: dos\nstart=64, size=512\nstart=1024, size=64\n"));
  EXPECT_EQ(*find(1), (DiskRange{64 * sector, 512 * sector}));
  EXPECT_EQ(*find(2), (DiskRange{1024 * sector, 64 * sector}));
  EXPECT_EQ(error(3), PartitionError::not_there);
  EXPECT_EQ(error(5), PartitionError::not_there);
}

TEST_F(Partitions, of_a_gpt_that_was_changed_are_not_believed) {
  SKIP_WITHOUT_SFDISK();
  ASSERT_TRUE(make("label: gpt\nfirst-lba: 34\nstart=64, size=512\n"));
  const auto good = disk.bytes;
  for (const size_t at : {size_t{512}, size_t{512 + 12}, size_t{512 + 24}, size_t{512 + 72}, size_t{512 + 84}}) {
    disk.bytes = good;
    disk.bytes[at] ^= std::byte{1};
    EXPECT_EQ(error(1), PartitionError::damaged) << at;
  }
  // The entry itself is only looked at: it must be within the disk, and end behind its begin.
  for (const uint64_t last : {uint64_t{63}, disk_size / 512, UINT64_MAX}) {
    disk.bytes = good;
    put(1024 + 40, last);
    EXPECT_EQ(error(1), PartitionError::outside) << last;
  }
}

TEST_F(Partitions, are_sought_in_blocks_of_the_disks_own_size) {
  disk.bytes[510] = std::byte{0x55}, disk.bytes[511] = std::byte{0xaa};
  disk.bytes[446 + 4] = std::byte{0x83};
  put<uint32_t>(446 + 8, 16);
  put<uint32_t>(446 + 12, 32);
  EXPECT_EQ(*find(1, 4096), (DiskRange{16 * 4096, 32 * 4096}));
}

TEST_F(Partitions, beyond_the_disk_are_refused) {
  disk.bytes[510] = std::byte{0x55}, disk.bytes[511] = std::byte{0xaa};
  disk.bytes[446 + 4] = std::byte{0x83};
  constexpr uint32_t blocks = disk_size / 512;
  for (const auto& [first, count] : {std::pair{blocks, 1U}, {0xffff'ffffU, 0xffff'ffffU}, {64U, blocks}, {64U, 0U}}) {
    put<uint32_t>(446 + 8, first);
    put<uint32_t>(446 + 12, count);
    EXPECT_EQ(error(1), PartitionError::outside);
  }
}

TEST_F(Partitions, are_none_where_there_is_no_table_or_no_answer) {
  EXPECT_EQ(error(1), PartitionError::no_table);
  disk.fails = true;
  EXPECT_EQ(error(1), PartitionError::unreadable);
}

TEST_F(Partitions, of_any_bytes_are_within_the_disk_or_refused) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 500; ++round) {
    for (size_t at = 440; at < 2048; ++at) {
      if (random() % 4 == 0) disk.bytes[at] = static_cast<std::byte>(random());
    }
    disk.bytes[510] = std::byte{0x55}, disk.bytes[511] = std::byte{0xaa};
    const auto found = find(1 + random() % 130);
    if (!found) continue;
    EXPECT_LE(found->offset, disk_size);
    EXPECT_LE(found->size, disk_size - found->offset);
    EXPECT_GT(found->size, 0U);
  }
}

}  // namespace
