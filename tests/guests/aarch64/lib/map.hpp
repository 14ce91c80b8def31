// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Where things are on QEMU's `virt`. What guest_main() is given is the address of the device tree.
namespace guest {

inline constexpr uint64_t gicd_base = 0x0800'0000;
inline constexpr uint64_t gicc_base = 0x0801'0000;
inline constexpr uint64_t gicr_base = 0x080a'0000;
inline constexpr uint64_t gicr_stride = 0x2'0000;
inline constexpr uint64_t uart_base = 0x0900'0000;
inline constexpr uint64_t rtc_base = 0x0901'0000;
inline constexpr uint64_t hole_base = 0x0b00'0000;  // nothing is there on `virt`
inline constexpr uint64_t pci_ecam = 0x40'1000'0000;  // where addresses have 40 bits at least
inline constexpr uint64_t pci_memory = 0x1000'0000;
inline constexpr uint64_t ram_base = 0x4000'0000;
inline constexpr uint32_t uart_interrupt = 32 + 1;
inline constexpr uint32_t rtc_interrupt = 32 + 2;
inline constexpr uint32_t physical_timer_interrupt = 30;
inline constexpr uint32_t virtual_timer_interrupt = 27;

}  // namespace guest
