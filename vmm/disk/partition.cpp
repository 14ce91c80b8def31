// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/partition.hpp"

#include <algorithm>
#include <bit>

#include "vmm/loader/crc32.hpp"
#include "vmm/loader/little_endian.hpp"

namespace vmm {
namespace {

using Found = hal::Result<DiskRange, PartitionError>;

// UEFI 2.10, 5.2.1.
namespace mbr {
constexpr size_t entries = 446, entry_size = 16, count = 4;
constexpr size_t type = 4, first = 8, blocks = 12;
constexpr size_t signature = 510;
constexpr uint8_t protects_gpt = 0xee;
}  // namespace mbr

// 5.3.2 and 5.3.3.
namespace gpt {
constexpr uint64_t signature = 0x5452'4150'2049'4645;  // "EFI PART"
constexpr size_t header_size = 12, header_crc = 16, own_place = 24, entries = 72, count = 80, entry_size = 84;
constexpr uint32_t least_header = 92, least_entry = 128;
constexpr size_t type = 0, first = 32, last = 40;
}  // namespace gpt

// `blocks` of them from `first` on.
Found range(uint64_t first, uint64_t blocks, uint64_t size, uint64_t block) {
  const uint64_t all = size / block;
  if (first >= all || blocks == 0 || blocks > all - first) return hal::fail(PartitionError::outside);
  return DiskRange{first * block, blocks * block};
}

Found find_in_gpt(DiskReader& disk, uint64_t size, uint32_t number, std::span<std::byte> scratch) {
  const uint64_t block = scratch.size();
  if (!disk.read(block, scratch)) return hal::fail(PartitionError::unreadable);
  const auto header_size = read_le<uint32_t>(scratch, gpt::header_size);
  if (read_le<uint64_t>(scratch, 0) != gpt::signature || header_size < gpt::least_header || header_size > block ||
      read_le<uint64_t>(scratch, gpt::own_place) != 1) {
    return hal::fail(PartitionError::damaged);
  }
  const auto crc = read_le<uint32_t>(scratch, gpt::header_crc);
  std::ranges::fill(scratch.subspan(gpt::header_crc, sizeof crc), std::byte{0});
  if (crc32(0, scratch.first(header_size)) != crc) return hal::fail(PartitionError::damaged);
  const auto entries = read_le<uint64_t>(scratch, gpt::entries);
  const auto entry_size = read_le<uint32_t>(scratch, gpt::entry_size);
  if (!std::has_single_bit(entry_size) || entry_size < gpt::least_entry || entry_size > block) {
    return hal::fail(PartitionError::damaged);
  }
  if (number > read_le<uint32_t>(scratch, gpt::count)) return hal::fail(PartitionError::not_there);
  const uint64_t in_table = uint64_t{number - 1} * entry_size;
  const uint64_t all = size / block;
  if (entries >= all || in_table / block >= all - entries) return hal::fail(PartitionError::damaged);
  if (!disk.read((entries + in_table / block) * block, scratch)) return hal::fail(PartitionError::unreadable);
  const auto entry = scratch.subspan(in_table % block, entry_size);
  if ((read_le<uint64_t>(entry, gpt::type) | read_le<uint64_t>(entry, gpt::type + 8)) == 0) {
    return hal::fail(PartitionError::not_there);
  }
  const auto first = read_le<uint64_t>(entry, gpt::first), last = read_le<uint64_t>(entry, gpt::last);
  if (last < first || last - first == UINT64_MAX) return hal::fail(PartitionError::outside);
  return range(first, last - first + 1, size, block);
}

}  // namespace

std::string_view name(PartitionError error) {
  switch (error) {
    case PartitionError::unreadable: return "the disk cannot be read";
    case PartitionError::no_table: return "the disk has no partition table";
    case PartitionError::damaged: return "the disk's partition table (GPT) is damaged";
    case PartitionError::not_there: return "the disk has no such partition";
    case PartitionError::outside: return "the partition is not within the disk";
  }
  return "?";
}

hal::Result<DiskRange, PartitionError> find_partition(DiskReader& disk, uint64_t size, uint32_t number,
                                                      std::span<std::byte> scratch) {
  const uint64_t block = scratch.size();
  if (size < 2 * block || !disk.read(0, scratch)) return hal::fail(PartitionError::unreadable);
  if (read_le<uint16_t>(scratch, mbr::signature) != 0xaa55) return hal::fail(PartitionError::no_table);
  const auto entry = [&](size_t n) { return scratch.subspan(mbr::entries + n * mbr::entry_size, mbr::entry_size); };
  for (size_t n = 0; n < mbr::count; ++n) {
    if (read_le<uint8_t>(entry(n), mbr::type) == mbr::protects_gpt) return find_in_gpt(disk, size, number, scratch);
  }
  if (number > mbr::count || read_le<uint8_t>(entry(number - 1), mbr::type) == 0) {
    return hal::fail(PartitionError::not_there);
  }
  return range(read_le<uint32_t>(entry(number - 1), mbr::first), read_le<uint32_t>(entry(number - 1), mbr::blocks), size,
               block);
}

}  // namespace vmm
