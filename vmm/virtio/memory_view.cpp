// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/memory_view.hpp"

namespace vmm::virtio {

// The whole block around the place, so that what lies beside it is found without being looked up. Where its start is no
// RAM, or the block is in several pieces, only what follows the place.
[[gnu::noinline]] std::span<std::byte> MemoryView::look_up(hal::GuestPhys place, uint64_t size, Use use) {
  const hal::GuestPhys block = place.align_down(reach);
  Piece found{block, memory_.window(block, reach, use)};
  if (place - found.start >= found.bytes.size())
    found = {place, memory_.window(place, reach - place.offset_in(reach), use)};
  if (found.bytes.empty()) return {};
  slot(place, use) = found;
  const uint64_t offset = place - found.start;
  return found.bytes.subspan(offset, std::min<uint64_t>(size, found.bytes.size() - offset));
}

}  // namespace vmm::virtio
