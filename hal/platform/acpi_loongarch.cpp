// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "hal/platform/acpi_fields.hpp"
#include "hal/platform/loongarch.hpp"

namespace hal {
namespace {

using namespace acpi;

// --- MADT: tables 5.47 to 5.51
// -------------------------------------------------------------------------------------------

namespace lio_pic {
constexpr size_t base = 3, size = 11, cascade = 13;
}
namespace eio_pic {
constexpr size_t cascade = 3;
}
namespace bio_pic {
constexpr size_t base = 3, size = 11;
}

void find_controllers(const AcpiTables& tables, LoongArchPlatform& platform) {
  constexpr uint32_t first_line = 2, last_line = 9, last_lio_line = 5;  // HWI0, HWI7, HWI3
  for_each_controller(tables, [&](Structure kind, Bytes structure) {
    if (kind == Structure::eio_pic && !platform.eiointc) {
      const uint32_t line = get<uint8_t>(structure, eio_pic::cascade);
      if (line >= first_line && line <= last_line) platform.eiointc = {.cpu_line = line};
    } else if (kind == Structure::bio_pic && !platform.pch_pic) {
      // Its inputs are vectors from 0 on; the GSI base only says how AML calls them.
      const HostPhysRange registers =
          range(get<uint64_t>(structure, bio_pic::base), get<uint16_t>(structure, bio_pic::size));
      if (!registers.empty()) platform.pch_pic = {.registers = registers, .base_vector = 0};
    } else if (kind == Structure::lio_pic && !platform.liointc) {
      const HostPhysRange registers =
          range(get<uint64_t>(structure, lio_pic::base), get<uint16_t>(structure, lio_pic::size));
      const uint32_t line = get<uint8_t>(structure, lio_pic::cascade);
      if (registers.empty() || line < first_line || line > last_lio_line) return;
      platform.liointc = {.registers = registers, .cpu_line = line};
    }
  });
}

// --- FADT (5.2.9), for a machine without ACPI's fixed hardware
// -----------------------------------------------------------------

namespace fadt {
constexpr size_t flags = 112, reset_register = 116, reset_value = 128, sleep_control = 244;
constexpr uint32_t has_reset = 1 << 10;
}  // namespace fadt

// A register of 8 bits in memory, by its generic address structure (5.2.3.2).
std::optional<SwitchInfo> register_at(Bytes table, size_t offset, uint32_t value) {
  constexpr size_t space = 0, address = 4;
  const HostPhysRange place = range(get<uint64_t>(table, offset + address), 1);
  if (place.empty() || get<uint8_t>(table, offset + space) != 0) return std::nullopt;
  return SwitchInfo{.place = place.start, .width = 1, .value = value, .mask = 0xff};
}

// What SLP_TYP is for soft off: the first number of the package \_S5, a constant in the DSDT (7.4.2.6, 20.2.5.1). It is
// looked for by how such a name is encoded, as an interpreter for this alone would be ten times all of this file.
std::optional<uint32_t> soft_off(const AcpiTables& tables) {
  constexpr std::array<std::byte, 5> name{std::byte{0x08}, std::byte{'_'}, std::byte{'S'}, std::byte{'5'},
                                          std::byte{'_'}};
  constexpr uint8_t package = 0x12, zero = 0x00, one = 0x01, byte_prefix = 0x0a;
  const Bytes code = tables.find("DSDT");
  const auto found = std::ranges::search(code, name);
  if (found.empty()) return std::nullopt;
  const Bytes rest = code.subspan(static_cast<size_t>(found.end() - code.begin()));
  const size_t length_bytes = 1 + (get<uint8_t>(rest, 1) >> 6);  // PkgLength
  if (get<uint8_t>(rest, 0) != package || rest.size() < 2 + length_bytes + 2) return std::nullopt;
  const Bytes first = rest.subspan(2 + length_bytes);
  switch (get<uint8_t>(first, 0)) {
    case zero: return 0;
    case one: return 1;
    case byte_prefix: return get<uint8_t>(first, 1) & 7;
    default: return std::nullopt;
  }
}

void find_switches(const AcpiTables& tables, LoongArchPlatform& platform) {
  const Bytes table = tables.find("FACP");
  if ((get<uint32_t>(table, fadt::flags) & fadt::has_reset) != 0) {
    platform.reset = register_at(table, fadt::reset_register, get<uint8_t>(table, fadt::reset_value));
  }
  constexpr uint32_t sleep_enable = 1 << 5;  // SLP_EN (4.8.3.7)
  if (const auto type = soft_off(tables)) {
    platform.power_off = register_at(table, fadt::sleep_control, *type << 2 | sleep_enable);
  }
}

}  // namespace

LoongArchPlatform discover_loongarch(const AcpiTables& tables) {
  LoongArchPlatform platform;
  find_controllers(tables, platform);
  find_switches(tables, platform);
  return platform;
}

}  // namespace hal
