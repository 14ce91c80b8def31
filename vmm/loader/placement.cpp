// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/placement.hpp"

#include <algorithm>

namespace vmm {

using config::MemoryRegion;
using config::RegionKind;

GuestLayout::GuestLayout(std::span<const MemoryRegion> regions) : regions_(regions) {
  const auto first = std::ranges::find_if(regions, [&](const MemoryRegion& r) { return is_free_ram(r, regions); });
  if (first != regions.end()) first_ram_ = &*first;
}

bool GuestLayout::is_ram(hal::GuestPhys place) const {
  return std::ranges::any_of(regions_, [&](const MemoryRegion& region) {
    return region.kind == RegionKind::ram && region.range.contains(place);
  });
}

hal::GuestPhys GuestLayout::ram_limit(hal::GuestPhys end) const {
  const hal::GuestPhysRange& ram = first_ram_->range;
  return end > ram.start && end <= ram.end() ? end : ram.start;
}

hal::Result<hal::GuestPhysRange, LoadError> GuestLayout::claim(hal::GuestPhys start, uint64_t size) const {
  for (const MemoryRegion& region : regions_) {
    if (!region.range.contains(start)) continue;
    const uint64_t room = region.range.end() - start;
    if (size > room) return hal::fail(LoadError{LoadError::Kind::kernel_too_large, size, room});
    const hal::GuestPhysRange wanted{start, size};
    for (const hal::GuestPhysRange& taken : occupied_) {
      if (!taken.overlaps(wanted)) continue;
      return hal::fail(LoadError{LoadError::Kind::kernel_over_image, start.value(), taken.start.value()});
    }
    return wanted;
  }
  return hal::fail(LoadError{LoadError::Kind::kernel_outside_memory, start.value(), size});
}

hal::Result<hal::GuestPhysRange, LoadError> GuestLayout::claim_first(std::span<const hal::GuestPhys> starts,
                                                                     uint64_t size) const {
  for (const hal::GuestPhys start : starts.first(starts.size() - 1)) {
    if (auto range = claim(start, size); range.ok()) return range;
  }
  return claim(starts.back(), size);
}

void GuestLayout::occupy(hal::GuestPhysRange range) {
  // The regions' images, kernel, initrd, device tree: the capacity covers what a loader places, by construction.
  [[maybe_unused]] const bool noted = occupied_.push_back(range);
}

std::optional<hal::GuestPhysRange> GuestLayout::place(uint64_t size, uint64_t alignment, hal::GuestPhys wanted) const {
  for (const hal::GuestPhys from : {wanted, hal::GuestPhys(0)}) {
    for (const MemoryRegion& region : regions_) {
      if (auto range = place_in(region, size, alignment, from)) return range;
    }
  }
  return std::nullopt;
}

std::optional<hal::GuestPhysRange> GuestLayout::place_in(const MemoryRegion& region, uint64_t size, uint64_t alignment,
                                                         hal::GuestPhys from) const {
  if (!is_free_ram(region, regions_)) return std::nullopt;
  hal::GuestPhys start = std::max(region.range.start, from);
  for (;;) {
    const hal::GuestPhysRange candidate{start.align_up(alignment), size};
    // The first test also catches a start that wrapped while it was aligned.
    if (candidate.start < start || !region.range.contains(candidate)) return std::nullopt;
    const auto obstacle =
        std::ranges::find_if(occupied_, [&](const hal::GuestPhysRange& taken) { return taken.overlaps(candidate); });
    if (obstacle == occupied_.end()) return candidate;
    start = obstacle->end();
  }
}

}  // namespace vmm
