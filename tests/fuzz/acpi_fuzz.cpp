// SPDX-License-Identifier: Apache-2.0
// Any bytes as the content of each ACPI table that is read. Length and checksum are made right, or nothing would be.
#include <cstring>
#include <string_view>
#include <vector>

#include "hal/platform/acpi.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t header = 36;
  const fuzz::Input input(data, size);
  std::vector<std::byte> all;
  for (const std::string_view signature : {"APIC", "GTDT", "SPCR", "FACP", "DSDT"}) {
    std::vector<std::byte> table(header);
    std::memcpy(table.data(), signature.data(), signature.size());
    table.insert(table.end(), input.bytes().begin(), input.bytes().end());
    const auto length = static_cast<uint32_t>(table.size());
    std::memcpy(table.data() + 4, &length, sizeof(length));
    unsigned sum = 0;
    for (const std::byte byte : table) sum += std::to_integer<unsigned>(byte);
    table[9] = static_cast<std::byte>(256 - sum % 256);
    all.insert(all.end(), table.begin(), table.end());
  }
  const hal::AcpiTables tables(all);
  fuzz::require(tables.find("FACP").size() == header + size);
  const hal::HostPhysRange place{hal::HostPhys(0x1000), 0x1000};
  const hal::Platform platform = hal::discover_platform(tables, place, {&place, 1});
  fuzz::require(!platform.console || !platform.console->registers.empty());
  const hal::ArmPlatform arm = hal::discover_arm(tables);
  fuzz::require(arm.gic.version == 0 || !arm.gic.distributor.empty());
  const hal::LoongArchPlatform loongarch = hal::discover_loongarch(tables);
  fuzz::require(!loongarch.pch_pic || !loongarch.pch_pic->registers.empty());
  return 0;
}
