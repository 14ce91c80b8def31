// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/fdt.hpp"
#include "hal/base/result.hpp"
#include "vmm/aarch64/affinity.hpp"
#include "vmm/loader/device_tree.hpp"

namespace vmm::aarch64 {

// Everything a guest is told about its machine. Addresses and interrupt numbers are those of config/aarch64_virt.hpp.
struct GuestBoard {
  GuestFacts guest;
  AffinityMap affinities{1, AffinityMap::gicv3_cluster};
  unsigned gic_version = 3;  // 2 or 3
  bool its = false;          // version 3: the ITS is there
  bool uart = true;
  bool rtc = true;
  bool power_key = true;
  bool watchdog = false;
};

// Describe `board` in `buffer`; the tree's bytes are the first part of it. The only error is FdtError::no_space. Linux'
// bindings, node names as on QEMU's `virt` board.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board,
                                                                                       std::span<std::byte> buffer);

}  // namespace vmm::aarch64
