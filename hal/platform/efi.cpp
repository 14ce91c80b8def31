// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/efi.hpp"

#include <array>

#include "hal/efi/uefi.hpp"

namespace hal {
namespace {

constexpr uint64_t table_count = offsetof(efi::SystemTable, table_count), tables = offsetof(efi::SystemTable, tables);
constexpr uint64_t most_tables = 256;

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
  if (get<uint64_t>(memory, system_table) != efi::SystemTable::signature) return found;
  const auto count = get<uint64_t>(memory, system_table + table_count);
  const auto first = get<uint64_t>(memory, system_table + tables);
  if (!count || !first) return found;
  for (uint64_t n = 0; n < *count && n < most_tables; ++n) {
    const auto entry = get<efi::ConfigurationTable>(memory, HostPhys(*first) + n * sizeof(efi::ConfigurationTable));
    if (!entry) break;
    if (entry->vendor == efi::guid::device_tree) found.fdt = HostPhys(entry->table);
    if (entry->vendor == efi::guid::initrd_media) found.initrd = read_initrd(memory, HostPhys(entry->table));
  }
  return found;
}

}  // namespace hal
