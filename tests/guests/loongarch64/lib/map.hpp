// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Where things are on QEMU's `virt`.
namespace guest {

inline constexpr uint64_t pch_pic_base = 0x1000'0000;
inline constexpr uint64_t rtc_base = 0x100d'0100;
inline constexpr uint64_t ged_base = 0x100e'0000;
inline constexpr uint64_t power_register = 0x100e'001c;
inline constexpr uint64_t reset_register = 0x100e'001e;
inline constexpr uint64_t hole_base = 0x1200'0000;  // nothing is there on `virt`
inline constexpr uint64_t uart_base = 0x1fe0'01e0;
inline constexpr uint64_t pci_ecam = 0x2000'0000;
inline constexpr uint64_t pci_memory = 0x4000'0000;
inline constexpr uint64_t pch_msi_base = 0x2ff0'0000;
inline constexpr unsigned uart_input = 2;  // of the PCH-PIC

// What guest_main() is given the address of: what firmware handed over, as start.S stores it.
struct Handover {
  uint64_t command_line;  // 0 is an address, too: QEMU's -kernel puts it there
  uint64_t system_table;
};

}  // namespace guest
