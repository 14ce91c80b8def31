// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/address.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// The device windows of one VM, by address. Filled while the VM is made and constant after, so look-ups take no lock.
class MmioBus {
 public:
  MmioBus() = default;
  // `table` has a place for each window that will be added, and stays as long as the bus is used.
  explicit MmioBus(std::span<MmioDevice*> table) : table_(table) {}

  // False when the bus is full or the window overlaps another one.
  [[nodiscard]] bool add(MmioDevice& device);
  // The device whose window holds `place`, or null.
  [[nodiscard]] MmioDevice* find(hal::GuestPhys place) const;

  [[nodiscard]] MmioDevice* const* begin() const { return table_.data(); }
  [[nodiscard]] MmioDevice* const* end() const { return table_.data() + count_; }

 private:
  std::span<MmioDevice*> table_;  // ascending by window
  size_t count_ = 0;
};

}  // namespace vmm
