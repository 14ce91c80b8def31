// SPDX-License-Identifier: Apache-2.0
#include "vmm/virt_board.hpp"

#include <utility>

namespace vmm {

GuestRegions guest_memory_regions(const config::MemoryConfig& memory, hal::GuestPhys ram_base) {
  GuestRegions regions = memory.regions;
  if (regions.empty()) {
    config::MemoryRegion ram;
    ram.range = {ram_base, memory.size};
    // The first element of an empty vector: there is room.
    [[maybe_unused]] const bool added = regions.push_back(ram);
  }
  // Insertion sort: there are few, and mostly they are in order.
  for (size_t i = 1; i < regions.size(); ++i) {
    for (size_t j = i; j > 0 && regions[j].range.start < regions[j - 1].range.start; --j) {
      std::swap(regions[j], regions[j - 1]);
    }
  }
  return regions;
}

}  // namespace vmm
