// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/aarch64/virt_board.hpp"
#include "vmm/irq/vgic/gicv2m.hpp"
#include "vmm/pci/bus.hpp"

namespace vmm::aarch64 {

// As QEMU's board, with `highmem=off` where guest physical addresses are too short for the high windows.
constexpr pci::BusMap pci_map(bool gicv2, unsigned address_bits) {
  constexpr uint64_t gits_translater = 0x1'0040;  // IHI 0069, 12.19.10: in the second frame of the ITS
  constexpr unsigned bits_of_high_windows = 40;
  const bool high = address_bits >= bits_of_high_windows;
  return {.configuration = high ? virt_board::pci_config : virt_board::pci_low_config,
          .io = virt_board::pci_io,
          .first_port = 0,
          .memory = virt_board::pci_memory,
          .high = high ? virt_board::pci_high_memory : hal::GuestPhysRange{},
          .first_line = spi(virt_board::pci_spi),
          .doorbell = gicv2 ? virt_board::gicv2m.start + vgic::Gicv2m::doorbell
                            : virt_board::gic_its.start + gits_translater};
}

}  // namespace vmm::aarch64
