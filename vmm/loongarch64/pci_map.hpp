// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/loongarch64_virt.hpp"
#include "vmm/pci/bus.hpp"

namespace vmm::loongarch64 {

inline constexpr pci::BusMap pci_map{.configuration = config::loongarch64_virt::pci_config,
                                     .io = config::loongarch64_virt::pci_io,
                                     .first_port = 0x4000,
                                     .memory = config::loongarch64_virt::pci_memory,
                                     .high = {},
                                     .first_line = VirtualIrq{config::loongarch64_virt::pci_input},
                                     .doorbell = config::loongarch64_virt::pch_msi.start};

}  // namespace vmm::loongarch64
