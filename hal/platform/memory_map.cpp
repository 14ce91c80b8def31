// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/memory_map.hpp"

#include <algorithm>
#include <utility>

#include "hal/base/range_list.hpp"

namespace hal {
namespace {

using Ranges = decltype(MemoryMap::ram);

// Firmware may list memory in any order, and in pieces that touch or overlap.
void sort_memory(const Platform& platform, Ranges& ranges) {
  ranges.clear();
  for (const HostPhysRange& memory : platform.memory) {
    const HostPhysRange pages = whole_pages_inside(memory);
    if (!pages.empty() && !ranges.push_back(pages)) break;
  }
  // A few entries: std::sort would be larger than all of this file.
  for (HostPhysRange* end = ranges.begin(); end != ranges.end(); ++end) {
    for (HostPhysRange* i = end; i != ranges.begin() && i->start < i[-1].start; --i) std::swap(i[0], i[-1]);
  }
}

// Of sorted ranges, in place.
void join_neighbours(Ranges& ranges) {
  size_t joined = 0;
  for (size_t i = 1; i < ranges.size(); ++i) {
    HostPhysRange& last = ranges[joined];
    if (ranges[i].start <= last.end()) {
      last.size = std::max(last.end(), ranges[i].end()) - last.start;
    } else {
      ranges[++joined] = ranges[i];
    }
  }
  if (!ranges.empty()) ranges.shrink(joined + 1);
}

}  // namespace

std::string_view explain(MemoryMapError error) {
  switch (error) {
    case MemoryMapError::no_memory: return "the device tree describes no memory, or more than 128 reservations";
    case MemoryMapError::too_many_pieces: return "the firmware's reservations leave memory in more than 256 pieces";
    case MemoryMapError::image_elsewhere: break;
  }
  return "the boot loader put the image where the device tree has no memory, or memory that must not be mapped";
}

Result<void, MemoryMapError> map_memory(const Platform& platform, HostPhysRange image, uint64_t boot_block,
                                        MemoryMap& map) {
  sort_memory(platform, map.ram);
  join_neighbours(map.ram);
  if (map.ram.empty()) return fail(MemoryMapError::no_memory);
  const auto holds_image = [&](HostPhysRange range) { return range.contains({image.start, boot_block}); };
  if (!std::ranges::any_of(map.ram, holds_image)) return fail(MemoryMapError::image_elsewhere);

  map.usable.clear();
  bool fits = true;
  for (const HostPhysRange& range : map.ram) fits &= map.usable.push_back(range);
  fits &= cut_out(map.usable, whole_pages_around(image));
  for (const HostPhysRange& reserved : platform.reserved) fits &= cut_out(map.usable, whole_pages_around(reserved));
  if (platform.initrd) fits &= cut_out(map.usable, whole_pages_around(*platform.initrd));
  if (!fits) return fail(MemoryMapError::too_many_pieces);
  return {};
}

}  // namespace hal
