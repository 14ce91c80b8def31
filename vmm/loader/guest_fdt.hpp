// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/result.hpp"
#include "vmm/affinity.hpp"

namespace vmm {

// Everything a guest is told about its machine. Addresses and interrupt numbers are those of vmm/virt_board.hpp.
struct GuestBoard {
  std::span<const config::MemoryRegion> regions;  // those of kind ram are announced
  AffinityMap affinities{1, AffinityMap::gicv3_cluster};
  unsigned gic_version = 3;  // 2 or 3
  bool its = false;          // version 3: the ITS is there
  bool uart = true;
  bool rtc = true;
  bool power_key = true;
  bool watchdog = false;
  std::string_view cmdline;
  hal::GuestPhysRange initrd;       // empty: none
  std::span<const std::byte> seed;  // fresh random bytes for the guest, or empty; the first 8 become kaslr-seed
};

// Describe `board` in `buffer`; the tree's bytes are the first part of it. The only error is FdtError::no_space. Linux'
// bindings, node names as on QEMU's `virt` board.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> build_guest_fdt(const GuestBoard& board,
                                                                                     std::span<std::byte> buffer);

// The guest's own device tree, with /memory and /chosen as `board` has them. `own` may be hostile.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> patch_guest_fdt(const GuestBoard& board,
                                                                                     std::span<const std::byte> own,
                                                                                     std::span<std::byte> buffer);

}  // namespace vmm
