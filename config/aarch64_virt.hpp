// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "hal/base/address.hpp"

// The machine that an AArch64 guest finds unless its VM file says otherwise: addresses and interrupt numbers of QEMU's
// `virt` board (hw/arm/virt.c), so that whatever runs there runs here. The only place that has them.
namespace config::aarch64_virt {

using hal::GuestPhys;
using hal::GuestPhysRange;

inline constexpr GuestPhysRange gic{GuestPhys(0x0800'0000), 0x100'0000};  // all that belongs to it
inline constexpr GuestPhysRange gic_distributor{GuestPhys(0x0800'0000), 0x1'0000};
inline constexpr GuestPhysRange gicv2_cpu_interface{GuestPhys(0x0801'0000), 0x1'0000};
inline constexpr GuestPhysRange gicv2m{GuestPhys(0x0802'0000), 0x1000};
inline constexpr GuestPhysRange gic_its{GuestPhys(0x0808'0000), 0x2'0000};
// Room for 123 redistributors of two 64 KiB frames each.
inline constexpr GuestPhysRange gicv3_redistributors{GuestPhys(0x080a'0000), 0xf6'0000};
inline constexpr GuestPhysRange uart{GuestPhys(0x0900'0000), 0x1000};
inline constexpr GuestPhysRange rtc{GuestPhys(0x0901'0000), 0x1000};
inline constexpr GuestPhysRange gpio{GuestPhys(0x0903'0000), 0x1000};
// The times stolen from each vCPU; here in QEMU's map with KVM.
inline constexpr GuestPhysRange stolen_times{GuestPhys(0x090a'0000), 0x1000};
// Not on QEMU's board, in a gap of its map: a watchdog that guests only find through the device tree.
inline constexpr GuestPhysRange watchdog_control{GuestPhys(0x0910'0000), 0x1000};
inline constexpr GuestPhysRange watchdog_refresh{GuestPhys(0x0911'0000), 0x1000};
inline constexpr GuestPhysRange virtio_mmio{GuestPhys(0x0a00'0000), 0x200};  // the first of 32
inline constexpr unsigned virtio_mmio_count = 32;
// Of the PCI bus: memory for BARs, and I/O ports.
inline constexpr GuestPhysRange pci_memory{GuestPhys(0x1000'0000), 0x2eff'0000};
inline constexpr GuestPhysRange pci_io{GuestPhys(0x3eff'0000), 0x1'0000};
// Configuration space and more memory lie high; where guests have less than 40 bits of address, configuration space has
// its older place.
inline constexpr GuestPhysRange pci_low_config{GuestPhys(0x3f00'0000), 0x100'0000};
inline constexpr GuestPhysRange pci_config{GuestPhys(0x40'1000'0000), 0x1000'0000};
inline constexpr GuestPhysRange pci_high_memory{GuestPhys(0x80'0000'0000), 512 * hal::gib};
// RAM ends at the first high device window.
inline constexpr GuestPhysRange ram_banks[] = {{GuestPhys(0x4000'0000), 255 * hal::gib}};

inline constexpr uint32_t ppi_base = 16;  // INTID of PPI 0
inline constexpr uint32_t spi_base = 32;  // INTID of SPI 0
inline constexpr uint32_t uart_spi = 1;
inline constexpr uint32_t rtc_spi = 2;
inline constexpr uint32_t pci_spi = 3;  // the first of 4
inline constexpr uint32_t gpio_spi = 7;
inline constexpr uint32_t watchdog_spi = 12;
inline constexpr uint32_t virtio_mmio_spi = 16;  // the first of 32
inline constexpr uint32_t gicv2m_spi = 48;  // the first of 64
inline constexpr uint32_t gicv2m_spis = 64;
inline constexpr uint32_t secure_timer_ppi = 13;
inline constexpr uint32_t physical_timer_ppi = 14;
inline constexpr uint32_t virtual_timer_ppi = 11;
inline constexpr uint32_t hypervisor_timer_ppi = 10;
inline constexpr uint32_t pmu_ppi = 7;
inline constexpr uint32_t pmu_intid = ppi_base + pmu_ppi;

}  // namespace config::aarch64_virt
