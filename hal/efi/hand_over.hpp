// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"

namespace hal::efi {

// What the EFI application leaves for the boot path that follows it, when firmware's boot services are gone. It lies in
// the image's block, its memory map right behind it. All of it is memory of ours (EfiLoaderData) and free once it is
// read.
struct HandOver {
  HostPhys image;                    // of the copy that runs from here on
  HostPhysRange fdt;                 // a copy; empty: there is none, but
  HostPhysRange acpi;                // copies of the static tables, one after the other
  HostPhysRange bundle;              // empty: there is none
  bool nobody_named_bundle = false;  // it only lay there: one that the device tree names goes before it
  HostPhys system_table;
  uint64_t map_size = 0;  // of the memory map of ExitBootServices()
  uint64_t descriptor_size = 0;
  std::array<char, 512> command_line{};  // ends with a NUL

  // Which one it is, where the device tree may name one, as GRUB does before 2.12.
  [[nodiscard]] std::optional<HostPhysRange> bundle_beside(std::optional<HostPhysRange> of_tree) const {
    return bundle.empty() || (of_tree && nobody_named_bundle) ? of_tree : bundle;
  }

  [[nodiscard]] std::span<const std::byte> memory_map() const {
    return {reinterpret_cast<const std::byte*>(this + 1), map_size};
  }
};

// At the end of the image's block.
constexpr uint64_t hand_over_room = 256 * kib;

}  // namespace hal::efi
