// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/fdt.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/device_tree.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongarch64 {

// Everything a guest is told about its machine. Addresses and interrupt numbers are those of
// config/loongarch64_virt.hpp.
struct GuestBoard {
  GuestFacts guest;
  VcpuIndex vcpus = 1;
  bool uart = true;
};

// Describe `board` in `buffer`; the tree's bytes are the first part of it. The only error is FdtError::no_space. Linux'
// bindings, node names as on QEMU's `virt` board.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board,
                                                                                       std::span<std::byte> buffer);

}  // namespace vmm::loongarch64
