// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"

// What a boot loader hands over in an EFI system table (UEFI 2.10, chapter 4). Everything in there is firmware's: it is
// read like a file, and what does not fit is not there.
namespace hal {

// Physical memory as it is before anything is mapped; false where `bytes` cannot be read.
class PhysicalReader {
 public:
  [[nodiscard]] virtual bool read(HostPhys place, std::span<std::byte> bytes) = 0;

 protected:
  ~PhysicalReader() = default;
};

struct EfiTables {
  std::optional<HostPhys> fdt;
  std::optional<HostPhysRange> initrd;  // as Linux's EFI stub leaves it (LINUX_EFI_INITRD_MEDIA_GUID)
};

[[nodiscard]] EfiTables read_efi_tables(HostPhys system_table, PhysicalReader& memory);

}  // namespace hal
