// SPDX-License-Identifier: Apache-2.0
// The tables are read as a kernel reads them: by following addresses from the system table's.
#include "vmm/loader/efi_tables.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;
using vmm::EfiBoot;

constexpr uint64_t place = 0x3000;

// GUIDs as UEFI stores them.
constexpr std::array<uint8_t, 16> device_tree{0xd5, 0x21, 0xb6, 0xb1, 0x9c, 0xf1, 0xa5, 0x41,
                                              0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0};
constexpr std::array<uint8_t, 16> initrd_media{0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
                                               0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68};

// A guest's memory around the tables.
class Guest {
 public:
  explicit Guest(const EfiBoot& boot) : memory_(vmm::efi_tables_size(boot.cmdline.size()), std::byte{0xff}) {
    tables = vmm::write_efi_tables(boot, GuestPhys(place), memory_);
  }

  template <class T>
  T read(uint64_t address) const {
    T value{};
    EXPECT_GE(address, place);
    EXPECT_LE(address + sizeof value, place + memory_.size());
    std::memcpy(&value, memory_.data() + (address - place), sizeof value);
    return value;
  }
  std::string text(uint64_t address) const {
    std::string text;
    for (char c = read<char>(address); c != 0; c = read<char>(++address)) text += c;
    return text;
  }
  std::optional<uint64_t> table(const std::array<uint8_t, 16>& guid) const {
    const uint64_t system = tables->system_table.value();
    const auto first = read<uint64_t>(system + 112);
    for (uint64_t i = 0; i < read<uint64_t>(system + 104); ++i) {
      if (read<std::array<uint8_t, 16>>(first + i * 24) == guid) return read<uint64_t>(first + i * 24 + 16);
    }
    return std::nullopt;
  }

  std::optional<vmm::EfiTables> tables;

 private:
  std::vector<std::byte> memory_;
};

constexpr EfiBoot with_initrd{
    .cmdline = "console=ttyS0", .fdt = GuestPhys(0x10'0000), .initrd = {GuestPhys(0x800'0000), 0x1234}};

TEST(EfiTables, name_the_device_tree_and_the_initrd) {
  const Guest guest(with_initrd);
  ASSERT_TRUE(guest.tables);
  EXPECT_EQ(guest.table(device_tree), 0x10'0000U);
  const auto initrd = guest.table(initrd_media);
  ASSERT_TRUE(initrd);
  EXPECT_EQ(guest.read<uint64_t>(*initrd), 0x800'0000U);
  EXPECT_EQ(guest.read<uint64_t>(*initrd + 8), 0x1234U);
}

TEST(EfiTables, do_not_mention_an_initrd_that_is_not_there) {
  const Guest guest({.cmdline = "", .fdt = GuestPhys(0x10'0000), .initrd = {}});
  EXPECT_EQ(guest.table(device_tree), 0x10'0000U);
  EXPECT_FALSE(guest.table(initrd_media));
}

TEST(EfiTables, hand_over_the_command_line_as_a_string) {
  EXPECT_EQ(Guest(with_initrd).text(Guest(with_initrd).tables->cmdline.value()), "console=ttyS0");
  const std::string longest(2047, 'x');
  const Guest guest({.cmdline = longest, .fdt = {}, .initrd = {}});
  EXPECT_EQ(guest.text(guest.tables->cmdline.value()), longest);
}

TEST(EfiTables, begin_with_a_header_whose_checksum_is_right) {
  const Guest guest(with_initrd);
  const uint64_t system = guest.tables->system_table.value();
  EXPECT_EQ(guest.read<uint64_t>(system), 0x5453'5953'2049'4249U);
  ASSERT_EQ(guest.read<uint32_t>(system + 12), 120U);
  auto header = guest.read<std::array<uint8_t, 120>>(system);
  const auto stored = guest.read<uint32_t>(system + 16);
  std::memset(header.data() + 16, 0, 4);
  EXPECT_EQ(stored, ::crc32(0, header.data(), header.size()));
}

TEST(EfiTables, offer_no_services) {
  const Guest guest(with_initrd);
  const uint64_t system = guest.tables->system_table.value();
  EXPECT_EQ(guest.read<uint64_t>(system + 88), 0U);
  EXPECT_EQ(guest.read<uint64_t>(system + 96), 0U);
  EXPECT_EQ((guest.read<std::array<char16_t, 7>>(guest.read<uint64_t>(system + 24))),
            (std::array<char16_t, 7>{u'P', u'l', u'i', u'n', u't', u'h', 0}));
}

// LoongArch's RAM begins there.
TEST(EfiTables, have_an_address_even_at_the_start_of_memory) {
  std::vector<std::byte> memory(4096);
  const auto tables = vmm::write_efi_tables(with_initrd, GuestPhys(0), memory);
  ASSERT_TRUE(tables);
  EXPECT_NE(tables->system_table, GuestPhys(0));
}

TEST(EfiTables, are_not_written_where_they_do_not_fit) {
  std::vector<std::byte> memory(vmm::efi_tables_size(13) - 1, std::byte{0xff});
  EXPECT_FALSE(vmm::write_efi_tables(with_initrd, GuestPhys(place), memory));
  for (const std::byte b : memory) EXPECT_EQ(b, std::byte{0xff});
}

}  // namespace
