// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"

// What firmware leaves behind for a kernel that is told of its machine by UEFI's tables (LoongArch Linux, booting.rst):
// a system table without services, whose configuration tables name the device tree and the initrd, and the command line
// as a string. Memory is described by the device tree: a kernel that finds no memory map here looks there.
//
//     +0      the vendor's name           UTF-16
//     +16     EFI_SYSTEM_TABLE            UEFI 2.10, 4.3; not at +0, for an address of 0 says that there is none
//     +136    configuration tables        4.6: GUID and address each
//     +184    LINUX_EFI_INITRD_MEDIA's    address and size
//     +256    the command line            zero-terminated
namespace vmm {

struct EfiBoot {
  std::string_view cmdline;  // without a zero inside
  hal::GuestPhys fdt;
  hal::GuestPhysRange initrd;  // empty: none
};

struct EfiTables {
  hal::GuestPhys system_table;
  hal::GuestPhys cmdline;
  std::span<const std::byte> bytes;  // what is to lie at the place that was named
};

// Room for the tables and a command line of `length` bytes.
[[nodiscard]] constexpr uint64_t efi_tables_size(uint64_t length) { return 256 + length + 1; }

// Write tables that will lie at `place`, a multiple of 8, into `buffer`. Nothing when they do not fit.
[[nodiscard]] std::optional<EfiTables> write_efi_tables(const EfiBoot& boot, hal::GuestPhys place,
                                                        std::span<std::byte> buffer);

}  // namespace vmm
