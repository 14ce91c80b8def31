// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hal/platform/arm.hpp"
#include "hal/platform/loongarch.hpp"
#include "hal/platform/platform.hpp"

// The second source of a machine's description: the static tables of ACPI 6.5, where there is no device tree. Only
// those: what is written in AML (devices) would take an interpreter.
namespace hal {

// Tables one after the other, each with its header, as the EFI part collects them. Firmware wrote them: a table whose
// length or checksum is wrong is not there. The bytes outlive this.
class AcpiTables {
 public:
  explicit AcpiTables(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // A whole table with its header, the first with these four characters (5.2.6); empty when there is none.
  [[nodiscard]] std::span<const std::byte> find(std::string_view signature) const;

 private:
  std::span<const std::byte> bytes_;
};

// As discover_platform() and discover_arm() of a device tree: CPUs from the MADT, the console from the SPCR; RAM is
// firmware's map, `place` that of the tables.
[[nodiscard]] Platform discover_platform(const AcpiTables& tables, HostPhysRange place,
                                         std::span<const HostPhysRange> memory);
// GIC from the MADT, timer from the GTDT, PSCI from the FADT.
[[nodiscard]] ArmPlatform discover_arm(const AcpiTables& tables);
// Interrupt controllers from the MADT; power off and reset from the FADT.
[[nodiscard]] LoongArchPlatform discover_loongarch(const AcpiTables& tables);

}  // namespace hal
