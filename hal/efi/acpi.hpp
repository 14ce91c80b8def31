// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "hal/base/address.hpp"
#include "hal/efi/firmware.hpp"
#include "hal/efi/uefi.hpp"

namespace hal::efi {

// Copies of ACPI's static tables that hal/platform/acpi.hpp reads, one after the other. Nothing where firmware has
// none, or no memory for them. Firmware's own lie in memory that is not ours to map.
[[nodiscard]] std::optional<HostPhysRange> copy_acpi_tables(const SystemTable& system, Pages& pages);

}  // namespace hal::efi
