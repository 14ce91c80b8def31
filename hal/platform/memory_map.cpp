// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/memory_map.hpp"

#include <algorithm>
#include <utility>

#include "hal/base/range_list.hpp"

namespace hal {
namespace {

// Firmware may list memory in any order, and in pieces that touch or overlap.
FixedVector<HostPhysRange, 64> sorted_memory(const Platform& platform) {
  FixedVector<HostPhysRange, 64> ranges;
  for (const HostPhysRange& memory : platform.memory) {
    const HostPhysRange pages = whole_pages_inside(memory);
    if (!pages.empty() && !ranges.push_back(pages)) break;
  }
  // A few entries: std::sort would be larger than all of this file.
  for (HostPhysRange* end = ranges.begin(); end != ranges.end(); ++end) {
    for (HostPhysRange* i = end; i != ranges.begin() && i->start < i[-1].start; --i) std::swap(i[0], i[-1]);
  }
  FixedVector<HostPhysRange, 64> merged;
  for (const HostPhysRange& range : ranges) {
    if (!merged.empty() && range.start <= merged[merged.size() - 1].end()) {
      HostPhysRange& last = merged[merged.size() - 1];
      last.size = std::max(last.end(), range.end()) - last.start;
    } else if (!merged.push_back(range)) {
      break;
    }
  }
  return merged;
}

}  // namespace

std::string_view explain(MemoryMapError error) {
  switch (error) {
    case MemoryMapError::no_memory:
      return "the device tree describes no memory, or more reservations than can be tracked";
    case MemoryMapError::too_many_pieces: return "the firmware reserves memory in more pieces than can be tracked";
    case MemoryMapError::image_elsewhere: break;
  }
  return "the boot loader put the image where the device tree has no memory, or memory that must not be mapped";
}

Result<MemoryMap, MemoryMapError> map_memory(const Platform& platform, HostPhysRange image, uint64_t boot_block) {
  MemoryMap map;
  map.ram = sorted_memory(platform);
  if (map.ram.empty()) return fail(MemoryMapError::no_memory);
  const auto holds_image = [&](HostPhysRange range) { return range.contains({image.start, boot_block}); };
  if (!std::ranges::any_of(map.ram, holds_image)) return fail(MemoryMapError::image_elsewhere);

  map.usable = map.ram;
  bool fits = cut_out(map.usable, whole_pages_around(image));
  for (const HostPhysRange& reserved : platform.reserved) fits &= cut_out(map.usable, whole_pages_around(reserved));
  if (platform.initrd) fits &= cut_out(map.usable, whole_pages_around(*platform.initrd));
  if (!fits) return fail(MemoryMapError::too_many_pieces);
  return map;
}

}  // namespace hal
