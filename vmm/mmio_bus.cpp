// SPDX-License-Identifier: Apache-2.0
#include "vmm/mmio_bus.hpp"

#include <algorithm>

namespace vmm {

bool MmioBus::add(MmioDevice& device) {
  if (count_ == table_.size()) return false;
  if (std::any_of(begin(), end(), [&](const MmioDevice* other) { return other->window().overlaps(device.window()); })) {
    return false;
  }
  MmioDevice** const devices = table_.data();
  MmioDevice** const place =
      std::upper_bound(devices, devices + count_, &device,
                       [](const MmioDevice* a, const MmioDevice* b) { return a->window().start < b->window().start; });
  std::copy_backward(place, devices + count_, devices + count_ + 1);
  *place = &device;
  ++count_;
  return true;
}

MmioDevice* MmioBus::find(hal::GuestPhys place) const {
  MmioDevice* const* const after = std::upper_bound(
      begin(), end(), place, [](hal::GuestPhys p, const MmioDevice* d) { return p < d->window().start; });
  if (after == begin()) return nullptr;
  MmioDevice* const device = after[-1];
  return device->window().contains(place) ? device : nullptr;
}

}  // namespace vmm
