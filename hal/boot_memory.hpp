// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/address.hpp"

namespace hal {

// Pieces that usable memory may be in. Boards have up to 50 reservations of their own, and firmware adds to them.
inline constexpr size_t max_memory_pieces = 256;

// What boot code knows about memory when it hands the machine to mm::init(). The spans need to live only that long.
//
// The bootstrap map reaches: the image at its link address, and `boot_block` through the direct map. Everything else is
// mapped by mm::init().
//
//     boot_block   |<---------------- 2 MiB ---------------->|
//     boot_free              |<------- unused frames ------->|
//                  | image   |                               |
struct BootMemory {
  // All RAM, also where it is in use (image, FDT, bundle): what the direct map covers. Page-aligned, disjoint.
  std::span<const HostPhysRange> ram;
  // The part of it that nobody uses; holds boot_free, and neither image nor FDT nor bundle nor reservations.
  // Page-aligned, disjoint.
  std::span<const HostPhysRange> usable;
  // Frames after the image that the bootstrap map already shows through the direct map.
  HostPhysRange boot_free;

  // The image: sections one after the other, each a whole number of pages.
  HostPhys image;
  HostVirtRange text;    // read, execute; starts at `image`
  HostVirtRange rodata;  // read
  HostVirtRange data;    // read, write; with bss and the boot stacks
  // Whole pages of text that are also executed at their physical address, while the MMU goes on or off. Empty: none.
  HostPhysRange identity;
};

}  // namespace hal
