// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/fdt.hpp"
#include "hal/base/result.hpp"
#include "vmm/aarch64/affinity.hpp"
#include "vmm/device/device_set.hpp"
#include "vmm/loader/device_tree.hpp"

namespace vmm::aarch64 {

// Everything a guest is told about its machine. Addresses and interrupt numbers are those of config/aarch64_virt.hpp.
struct GuestBoard {
  GuestFacts guest;
  AffinityMap affinities{1, AffinityMap::gicv3_cluster};
  unsigned gic_version = 3;  // 2 or 3
  bool its = false;          // version 3: the ITS is there
  bool pmu = false;          // its CPUs have performance monitors
  bool pmu_interrupts = false;
};

// Any distinct numbers do; CPUs follow from cpu_phandle on.
inline constexpr uint32_t gic_phandle = 1;
inline constexpr uint32_t its_phandle = 2;
inline constexpr uint32_t clock_phandle = 3;
inline constexpr uint32_t gpio_phandle = 4;
inline constexpr uint32_t gicv2m_phandle = 5;
inline constexpr uint32_t cpu_phandle = 0x100;

// Describe `board` and `devices` in `buffer`; the tree's bytes are the first part of it. The only error is
// FdtError::no_space. Linux' bindings, node names as on QEMU's `virt` board.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board,
                                                                                       DeviceSet& devices,
                                                                                       std::span<std::byte> buffer);

}  // namespace vmm::aarch64
