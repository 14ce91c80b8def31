// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "vmm/irq/line.hpp"

// The machine that an AArch64 guest finds unless its VM file says otherwise: addresses and interrupt numbers of QEMU's
// `virt` board, so that whatever runs there runs here.
namespace vmm::virt_board {

inline constexpr hal::GuestPhys flash_base{0x0000'0000};
inline constexpr uint64_t flash_bank_size = 64 * hal::mib;  // two of them
inline constexpr hal::GuestPhysRange gic_distributor{hal::GuestPhys(0x0800'0000), 0x1'0000};
inline constexpr hal::GuestPhysRange gicv2_cpu_interface{hal::GuestPhys(0x0801'0000), 0x1'0000};
inline constexpr hal::GuestPhysRange gic_its{hal::GuestPhys(0x0808'0000), 0x2'0000};
// Room for 123 redistributors of two 64 KiB frames each.
inline constexpr hal::GuestPhysRange gicv3_redistributors{hal::GuestPhys(0x080a'0000), 0xf6'0000};
inline constexpr hal::GuestPhysRange uart{hal::GuestPhys(0x0900'0000), 0x1000};
inline constexpr hal::GuestPhysRange rtc{hal::GuestPhys(0x0901'0000), 0x1000};
inline constexpr hal::GuestPhysRange gpio{hal::GuestPhys(0x0903'0000), 0x1000};
// Not on QEMU's board, in a gap of its map: a watchdog that guests only find through the device tree.
inline constexpr hal::GuestPhysRange watchdog_control{hal::GuestPhys(0x0910'0000), 0x1000};
inline constexpr hal::GuestPhysRange watchdog_refresh{hal::GuestPhys(0x0911'0000), 0x1000};
inline constexpr hal::GuestPhysRange virtio_mmio{hal::GuestPhys(0x0a00'0000), 0x200};  // the first of 32
inline constexpr unsigned virtio_mmio_count = 32;
inline constexpr hal::GuestPhys ram_base = config::aarch64_ram_base;

inline constexpr uint32_t ppi_base = 16;  // INTID of PPI 0
inline constexpr uint32_t spi_base = 32;  // INTID of SPI 0
inline constexpr uint32_t uart_spi = 1;
inline constexpr uint32_t rtc_spi = 2;
inline constexpr uint32_t gpio_spi = 7;
inline constexpr uint32_t watchdog_spi = 12;
inline constexpr uint32_t virtio_mmio_spi = 16;  // the first of 32
inline constexpr uint32_t secure_timer_ppi = 13;
inline constexpr uint32_t physical_timer_ppi = 14;
inline constexpr uint32_t virtual_timer_ppi = 11;
inline constexpr uint32_t hypervisor_timer_ppi = 10;

constexpr VirtualIrq spi(uint32_t number) { return VirtualIrq{spi_base + number}; }

}  // namespace vmm::virt_board

namespace vmm {

using GuestRegions = hal::FixedVector<config::MemoryRegion, config::max_memory_regions>;

// A VM's memory as regions, ascending: the ones its file lists, or one of the stated size at the board's RAM base.
[[nodiscard]] GuestRegions guest_memory_regions(const config::MemoryConfig& memory, hal::GuestPhys ram_base);

}  // namespace vmm
