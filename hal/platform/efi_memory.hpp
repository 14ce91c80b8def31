// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/platform/platform.hpp"

namespace hal {

// The RAM that is ours after ExitBootServices(), out of its memory map (UEFI 2.10, 7.2.3 and table 7.10): free memory,
// and what loaders and boot services had. Runtime services, ACPI's tables and what firmware reserves are not in there:
// they are neither mapped nor given to guests. Sorted, in whole pages, neighbours joined. Where a map is cut into more
// pieces than there is room for, the smallest are lost.
using EfiMemory = FixedVector<HostPhysRange, 32>;
[[nodiscard]] EfiMemory usable_efi_memory(std::span<const std::byte> map, uint64_t descriptor_size);

// What firmware goes on using, or reserves for a reason of its own: into `platform.reserved`, so that no VM gets it as
// a device either. Registers are in there only if runtime services use them. Where there is no room for all pieces,
// `platform.lists_are_cut` is true.
void reserve_efi_memory(std::span<const std::byte> map, uint64_t descriptor_size, Platform& platform);

}  // namespace hal
