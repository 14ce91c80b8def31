// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/efi_tables.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "vmm/loader/crc32.hpp"

namespace vmm {

namespace {

// EFI_GUID: the first three numbers little-endian, the rest as bytes.
struct Guid {
  uint32_t a;
  uint16_t b, c;
  std::array<uint8_t, 8> d;
};
constexpr Guid device_tree_guid{0xb1b6'21d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};
constexpr Guid initrd_guid{0x5568'e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}};

// 4.2: EFI_TABLE_HEADER.
struct Header {
  uint64_t signature;
  uint32_t revision, size, crc32 = 0, reserved = 0;
};
constexpr uint64_t signature = 0x5453'5953'2049'4249;  // "IBI SYST"
constexpr uint32_t revision = 2 << 16 | 100;           // 2.10

// 4.3: EFI_SYSTEM_TABLE; of no console and no service, which ended with the boot services.
struct SystemTable {
  Header header;
  uint64_t vendor;
  uint32_t vendor_revision = 0, padding = 0;
  std::array<uint64_t, 6> consoles{};
  uint64_t runtime_services = 0, boot_services = 0;
  uint64_t entries;
  uint64_t tables;
};

// 4.6: EFI_CONFIGURATION_TABLE.
struct ConfigurationTable {
  Guid guid;
  uint64_t address;
};

struct Initrd {
  uint64_t address, size;
};

struct Block {
  std::array<char16_t, 8> vendor;
  SystemTable system;
  std::array<ConfigurationTable, 2> tables;
  Initrd initrd;
};
static_assert(sizeof(SystemTable) == 120 && sizeof(ConfigurationTable) == 24, "as UEFI lays them out for 64 bits");
constexpr uint64_t cmdline_offset = efi_tables_size(0) - 1;
static_assert(sizeof(Block) <= cmdline_offset);
static_assert(offsetof(Block, system) > 0, "a system table at address 0 is none");

}  // namespace

std::optional<EfiTables> write_efi_tables(const EfiBoot& boot, hal::GuestPhys place, std::span<std::byte> buffer) {
  const uint64_t size = efi_tables_size(boot.cmdline.size());
  if (size > buffer.size()) return std::nullopt;
  const auto at = [&](size_t offset) { return place.value() + offset; };
  Block block{
      .vendor = {u'P', u'l', u'i', u'n', u't', u'h'},
      .system = {.header = {.signature = signature, .revision = revision, .size = sizeof(SystemTable)},
                 .vendor = at(offsetof(Block, vendor)),
                 .entries = boot.initrd.empty() ? 1U : 2U,
                 .tables = at(offsetof(Block, tables))},
      .tables = {{{device_tree_guid, boot.fdt.value()}, {initrd_guid, at(offsetof(Block, initrd))}}},
      .initrd = {boot.initrd.start.value(), boot.initrd.size},
  };
  block.system.header.crc32 = crc32(0, std::as_bytes(std::span(&block.system, 1)));

  const auto bytes = buffer.first(size);
  std::ranges::fill(bytes, std::byte{0});
  std::memcpy(bytes.data(), &block, sizeof block);
  std::ranges::copy(std::as_bytes(std::span(boot.cmdline)), bytes.subspan(cmdline_offset).begin());
  return EfiTables{.system_table = place + offsetof(Block, system), .cmdline = place + cmdline_offset, .bytes = bytes};
}

}  // namespace vmm
