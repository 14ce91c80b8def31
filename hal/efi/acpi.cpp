// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/acpi.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hal::efi {
namespace {

template <class Number>
Number get(uint64_t place) {
  Number value;
  std::memcpy(&value, at(HostPhys(place)), sizeof(value));
  return value;
}

bool has_signature(uint64_t place, std::string_view signature) {
  return std::memcmp(at(HostPhys(place)), signature.data(), signature.size()) == 0;
}

constexpr uint64_t header_size = 36, length_at = 4, most = 2 * mib;

bool is_wanted(uint64_t table) {
  return has_signature(table, "APIC") || has_signature(table, "GTDT") || has_signature(table, "SPCR") ||
         has_signature(table, "FACP");
}

// Where the FADT says that the DSDT is (5.2.9): it alone is not in the list.
uint64_t dsdt_of(uint64_t fadt) {
  constexpr uint64_t dsdt = 40, x_dsdt = 140;
  const uint64_t place = get<uint32_t>(fadt + length_at) >= x_dsdt + 8 ? get<uint64_t>(fadt + x_dsdt) : 0;
  return place != 0 ? place : get<uint32_t>(fadt + dsdt);
}

// Calls `visit` with place and size of each table that the XSDT names and we want (ACPI 6.5, 5.2.5.3 and 5.2.8).
template <class Visit>
void for_each_table(uint64_t root, Visit&& visit) {
  constexpr uint64_t revision_at = 15, xsdt_at = 24;
  if (!has_signature(root, "RSD PTR ") || get<uint8_t>(root + revision_at) < 2) return;
  const uint64_t xsdt = get<uint64_t>(root + xsdt_at);
  if (xsdt == 0 || !has_signature(xsdt, "XSDT")) return;
  const uint64_t end = get<uint32_t>(xsdt + length_at);
  for (uint64_t at = header_size; at < most && at + sizeof(uint64_t) <= end; at += sizeof(uint64_t)) {
    const uint64_t table = get<uint64_t>(xsdt + at);
    if (table == 0 || !is_wanted(table)) continue;
    visit(table, uint64_t{get<uint32_t>(table + length_at)});
    const uint64_t dsdt = has_signature(table, "FACP") ? dsdt_of(table) : 0;
    if (dsdt != 0) visit(dsdt, uint64_t{get<uint32_t>(dsdt + length_at)});
  }
}

}  // namespace

std::optional<HostPhysRange> copy_acpi_tables(const SystemTable& system, Pages& pages) {
  const uint64_t root = configuration_table(system, guid::acpi);
  if (root == 0) return std::nullopt;
  uint64_t size = 0;
  for_each_table(root, [&](uint64_t, uint64_t table_size) { size += table_size; });
  if (size == 0 || size > most) return std::nullopt;
  const auto place = pages.allocate(size);
  if (!place) return std::nullopt;
  uint64_t done = 0;
  for_each_table(root, [&](uint64_t table, uint64_t table_size) {
    std::memcpy(at(place->start + done), at(HostPhys(table)), table_size);
    done += table_size;
  });
  return place;
}

}  // namespace hal::efi
