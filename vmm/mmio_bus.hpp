// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "hal/base/address.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// The device windows of one VM, by address. Filled while the VM is made and constant after, so look-ups take no lock.
class MmioBus {
 public:
  static constexpr size_t capacity = 16;

  // False when the bus is full or the window overlaps another one.
  [[nodiscard]] bool add(MmioDevice& device);
  // The device whose window holds `place`, or null.
  [[nodiscard]] MmioDevice* find(hal::GuestPhys place) const;

  [[nodiscard]] MmioDevice* const* begin() const { return devices_.data(); }
  [[nodiscard]] MmioDevice* const* end() const { return devices_.data() + count_; }

 private:
  std::array<MmioDevice*, capacity> devices_{};  // ascending by window
  size_t count_ = 0;
};

}  // namespace vmm
