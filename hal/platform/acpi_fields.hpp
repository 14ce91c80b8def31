// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "hal/base/address.hpp"
#include "hal/platform/acpi.hpp"

// How fields of ACPI's tables are read. Section numbers are those of ACPI 6.5.
namespace hal::acpi {

using Bytes = std::span<const std::byte>;

// A little-endian number at an offset; 0 where the bytes end before it, which ACPI's optional fields read as absent.
template <class Number>
Number get(Bytes bytes, size_t offset) {
  Number value = 0;
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof(value)) {
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
  }
  return value;
}
static_assert(std::endian::native == std::endian::little);

inline HostPhysRange range(uint64_t start, uint64_t size) {
  const HostPhys place(start);
  return start != 0 && HostPhysRange::fits(place, size) ? HostPhysRange{place, size} : HostPhysRange{};
}

// The MADT's interrupt controller structures (5.2.12).
enum class Structure : uint8_t {
  gicc = 0xb,
  gicd = 0xc,
  gicr = 0xe,
  core_pic = 0x11,
  lio_pic = 0x12,
  eio_pic = 0x14,
  bio_pic = 0x16,
};

// Calls `visit` with each of them, which is as long as it says.
template <class Visit>
void for_each_controller(const AcpiTables& tables, Visit&& visit) {
  constexpr size_t first = 44;
  Bytes left = tables.find("APIC");
  if (left.size() < first) return;
  left = left.subspan(first);
  while (left.size() >= 2) {
    const size_t size = get<uint8_t>(left, 1);
    if (size < 2 || size > left.size()) return;
    visit(Structure{get<uint8_t>(left, 0)}, left.first(size));
    left = left.subspan(size);
  }
}

// GICC (table 5.37): a CPU, and where it sees its interrupt controller.
namespace gicc {
constexpr size_t flags = 12, performance = 20, cpu_interface = 32, virtual_interface = 40, hypervisor_interface = 48, maintenance = 56,
                 redistributor = 60, mpidr = 68;
constexpr uint32_t enabled = 1, online_capable = 8;
inline bool is_usable(Bytes structure) { return (get<uint32_t>(structure, flags) & (enabled | online_capable)) != 0; }
}  // namespace gicc

}  // namespace hal::acpi
