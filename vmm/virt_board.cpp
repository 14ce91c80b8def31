// SPDX-License-Identifier: Apache-2.0
#include "vmm/virt_board.hpp"

#include <algorithm>

namespace vmm {

GuestRegions guest_memory_regions(const config::MemoryConfig& memory, hal::GuestPhys ram_base) {
  GuestRegions regions = memory.regions;
  if (regions.empty()) {
    config::MemoryRegion ram;
    ram.range = {ram_base, memory.size};
    // The first element of an empty vector: there is room.
    [[maybe_unused]] const bool added = regions.push_back(ram);
  }
  std::ranges::sort(regions, {}, [](const config::MemoryRegion& region) { return region.range.start; });
  return regions;
}

}  // namespace vmm
