// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/acpi.hpp"

#include <array>
#include <cstring>
#include <optional>

#include "hal/platform/acpi_fields.hpp"

namespace hal {
namespace {

using namespace acpi;

// The header of every table (5.2.6).
constexpr size_t header_size = 36, length_at = 4, oem_at = 10, oem_size = 14;

bool adds_up(Bytes table) {
  uint8_t sum = 0;
  for (const std::byte byte : table) sum = static_cast<uint8_t>(sum + std::to_integer<unsigned>(byte));
  return sum == 0;
}

// A CORE_PIC (table 5.46) names its CPU by the physical id.
namespace core_pic {
constexpr size_t core = 7, flags = 11;
constexpr uint32_t enabled = 1;
}  // namespace core_pic

void find_cpus(const AcpiTables& tables, Platform& platform) {
  for_each_controller(tables, [&](Structure kind, Bytes structure) {
    if (kind == Structure::gicc && gicc::is_usable(structure)) {
      (void)platform.cpus.push_back({.hardware_id = get<uint64_t>(structure, gicc::mpidr)});
    }
    if (kind == Structure::core_pic && (get<uint32_t>(structure, core_pic::flags) & core_pic::enabled) != 0) {
      (void)platform.cpus.push_back({.hardware_id = get<uint32_t>(structure, core_pic::core)});
    }
  });
}

// --- SPCR (Microsoft, Serial Port Console Redirection Table)
// -----------------------------------------------------------

enum class SpcrInterface : uint8_t {
  ns16550 = 0,
  ns16550_subset = 1,
  pl011 = 3,
  sbsa_32 = 0xd,
  sbsa = 0xe,
  ns16550_gas = 0x12
};

std::optional<UartKind> kind_of(SpcrInterface interface) {
  switch (interface) {
    case SpcrInterface::ns16550:
    case SpcrInterface::ns16550_subset:
    case SpcrInterface::ns16550_gas: return UartKind::ns16550;
    case SpcrInterface::pl011:
    case SpcrInterface::sbsa_32:
    case SpcrInterface::sbsa: return UartKind::pl011;
  }
  return std::nullopt;
}

void find_console(const AcpiTables& tables, Platform& platform) {
  constexpr size_t interface = 36, space = 40, access_size = 43, address = 44, interrupt_types = 52, gsiv = 54;
  constexpr uint8_t memory_space = 0, by_gic = 8;
  const Bytes table = tables.find("SPCR");
  if (table.size() < gsiv + 4 || get<uint8_t>(table, space) != memory_space) return;
  const auto kind = kind_of(SpcrInterface{get<uint8_t>(table, interface)});
  const HostPhysRange registers = range(get<uint64_t>(table, address), page_size);
  if (!kind || registers.empty()) return;
  UartInfo uart;
  uart.kind = *kind;
  uart.registers = registers;
  if ((get<uint8_t>(table, interrupt_types) & by_gic) != 0) uart.irq = get<uint32_t>(table, gsiv);
  // Accesses of 8 bits (1) to 32 bits (3): registers lie as far apart. The width next to it says nothing of that,
  // QEMU's least.
  const unsigned access = get<uint8_t>(table, access_size);
  if (*kind == UartKind::ns16550 && access >= 1 && access <= 3) uart.register_shift = static_cast<uint8_t>(access - 1);
  platform.console = uart;
}

// Nobody else has a name for the machine: "QEMU/VIRT", of the FADT's OEM fields.
void find_model(const AcpiTables& tables, Platform& platform) {
  const Bytes table = tables.find("FACP");
  constexpr std::string_view unknown = "unknown machine";
  unknown.copy(platform.model_text.data(), unknown.size());
  if (table.empty()) return;
  std::array<char, oem_size> oem;
  std::memcpy(oem.data(), table.data() + oem_at, oem.size());
  size_t used = 0;
  for (size_t i = 0; i < oem.size(); ++i) {
    const bool prints = oem[i] > ' ' && oem[i] <= '~';
    if (i == 6 && used != 0) platform.model_text[used++] = '/';  // the vendor ends, its table's name begins
    if (prints) platform.model_text[used++] = oem[i];
  }
  platform.model_text[used] = '\0';
}

}  // namespace

std::span<const std::byte> AcpiTables::find(std::string_view signature) const {
  Bytes left = bytes_;
  while (left.size() >= header_size) {
    const size_t size = get<uint32_t>(left, length_at);
    if (size < header_size || size > left.size()) return {};
    const Bytes table = left.first(size);
    if (std::memcmp(table.data(), signature.data(), 4) == 0 && adds_up(table)) return table;
    left = left.subspan(size);
  }
  return {};
}

Platform discover_platform(const AcpiTables& tables, HostPhysRange place, std::span<const HostPhysRange> memory) {
  Platform platform;
  find_model(tables, platform);
  for (const HostPhysRange& ram : memory) {
    if (!platform.memory.push_back(ram)) break;
  }
  if (!platform.reserved.push_back(place)) platform.memory = {};
  platform.lists_are_cut = true;  // what else the machine has is in AML
  find_cpus(tables, platform);
  find_console(tables, platform);
  return platform;
}

}  // namespace hal
