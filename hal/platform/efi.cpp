// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/efi.hpp"

#include <array>

namespace hal {
namespace {

// EFI_GUID, as its bytes lie in memory.
using Guid = std::array<uint8_t, 16>;
constexpr Guid device_tree{0xd5, 0x21, 0xb6, 0xb1, 0x9c, 0xf1, 0xa5, 0x41,
                           0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0};
constexpr Guid initrd_media{0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
                            0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68};

// EFI_SYSTEM_TABLE of a 64-bit machine (4.3).
constexpr uint64_t signature = 0x5453'5953'2049'4249;  // "IBI SYST"
constexpr uint64_t table_count = 104, tables = 112;
constexpr uint64_t most_tables = 256;

// EFI_CONFIGURATION_TABLE (4.6).
struct Entry {
  Guid vendor;
  uint64_t table;
};
static_assert(sizeof(Entry) == 24);

template <class T>
std::optional<T> get(PhysicalReader& memory, HostPhys place) {
  T value{};
  if (!memory.read(place, std::as_writable_bytes(std::span(&value, 1)))) return std::nullopt;
  return value;
}

std::optional<HostPhysRange> read_initrd(PhysicalReader& memory, HostPhys place) {
  const auto range = get<std::array<uint64_t, 2>>(memory, place);
  if (!range) return std::nullopt;
  const auto [start, size] = *range;
  if (size == 0 || !HostPhysRange::fits(HostPhys(start), size)) return std::nullopt;
  return HostPhysRange{HostPhys(start), size};
}

}  // namespace

EfiTables read_efi_tables(HostPhys system_table, PhysicalReader& memory) {
  EfiTables found;
  if (get<uint64_t>(memory, system_table) != signature) return found;
  const auto count = get<uint64_t>(memory, system_table + table_count);
  const auto first = get<uint64_t>(memory, system_table + tables);
  if (!count || !first) return found;
  for (uint64_t n = 0; n < *count && n < most_tables; ++n) {
    const auto entry = get<Entry>(memory, HostPhys(*first) + n * sizeof(Entry));
    if (!entry) break;
    if (entry->vendor == device_tree) found.fdt = HostPhys(entry->table);
    if (entry->vendor == initrd_media) found.initrd = read_initrd(memory, HostPhys(entry->table));
  }
  return found;
}

}  // namespace hal
