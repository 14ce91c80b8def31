// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/result.hpp"

namespace vmm {

struct DiskRange {
  uint64_t offset = 0, size = 0;  // in bytes

  [[nodiscard]] constexpr bool overlaps(const DiskRange& other) const {
    return offset < other.offset + other.size && other.offset < offset + size;
  }
  friend constexpr bool operator==(const DiskRange&, const DiskRange&) = default;
};

// Where partition tables are read from.
class DiskReader {
 public:
  // Whole blocks, within the disk. False: the medium failed.
  [[nodiscard]] virtual bool read(uint64_t offset, std::span<std::byte> to) = 0;

 protected:
  ~DiskReader() = default;
};

enum class PartitionError : uint8_t {
  unreadable,
  no_table,   // neither a GPT nor an MBR
  damaged,    // a GPT whose header is not what it was written as
  not_there,  // no partition of that number
  outside,    // it is not within the disk
};
[[nodiscard]] std::string_view name(PartitionError error);

// Partition `number` of a disk of `size` bytes, as GPT (UEFI 2.10, 5.3) or MBR (5.2.1) has it; of an MBR only the four in
// it. `block` is the disk's own unit, and `scratch` holds one. What the disk says is not trusted.
[[nodiscard]] hal::Result<DiskRange, PartitionError> find_partition(DiskReader& disk, uint64_t size, uint32_t number,
                                                                    std::span<std::byte> scratch);

}  // namespace vmm
