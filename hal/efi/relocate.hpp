// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"

namespace hal::efi {

// Makes an image that was linked for `linked` run at `place`: `image` is its bytes, `table` what the linker wrote of
// the addresses in there (SHT_RELR of the generic ELF ABI). False, with the image unusable, where the table points
// outside.
[[nodiscard]] bool relocate(std::span<std::byte> image, std::span<const uint64_t> table, HostVirt linked,
                            HostVirt place);

}  // namespace hal::efi
