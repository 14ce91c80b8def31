// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"

// Lists of physical ranges, as firmware describes memory.
namespace hal {

constexpr HostPhysRange whole_pages_inside(HostPhysRange range) {
  const HostPhys start = range.start.align_up(page_size);
  const HostPhys end = range.end().align_down(page_size);
  return start < end ? HostPhysRange{start, end - start} : HostPhysRange{};
}

constexpr HostPhysRange whole_pages_around(HostPhysRange range) {
  const HostPhys start = range.start.align_down(page_size);
  return {start, range.end().align_up(page_size) - start};
}

// Take `hole` out of every range. False when not all pieces fit; those that do are there.
template <size_t Capacity>
[[nodiscard]] constexpr bool cut_out(FixedVector<HostPhysRange, Capacity>& ranges, HostPhysRange hole) {
  FixedVector<HostPhysRange, Capacity> left;
  bool fits = true;
  for (const HostPhysRange& range : ranges) {
    if (!range.overlaps(hole)) {
      fits &= left.push_back(range);
      continue;
    }
    if (range.start < hole.start) fits &= left.push_back({range.start, hole.start - range.start});
    if (hole.end() < range.end()) fits &= left.push_back({hole.end(), range.end() - hole.end()});
  }
  ranges = left;
  return fits;
}

}  // namespace hal
