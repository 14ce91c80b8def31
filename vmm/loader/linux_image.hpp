// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"
#include "vmm/loader/image.hpp"

namespace vmm {

// What the header of a Linux `Image` says (Documentation/arch/arm64/booting.rst; LoongArch:
// Documentation/arch/loongarch/booting.rst).
struct LinuxImage {
  static constexpr size_t header_size = 64;
  // Of a file's beginning, the PE header behind that included, as far as it is looked at.
  static constexpr size_t head_size = 1024;
  // Images are built to be placed relative to a boundary of this size.
  static constexpr uint64_t placement = 2 * hal::mib;

  GuestIsa isa;
  uint64_t text_offset;   // from a placement boundary (LoongArch: from the start of RAM)
  uint64_t size;          // in memory; 0: not stated
  uint64_t entry_offset;  // from the first byte
  bool big_endian;

  // Nothing when `file` does not begin with such a header.
  [[nodiscard]] static std::optional<LinuxImage> parse(std::span<const std::byte> file);
};

}  // namespace vmm
