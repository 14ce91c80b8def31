// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"

namespace vmm {

// The RAM of a VM as its devices reach it by themselves (DMA).
class DeviceMemory {
 public:
  enum class Use : uint8_t { read, write };
  static constexpr unsigned uses = 2;

  // The bytes from `place` on, at most `size` of them, fewer where they are not contiguous for us. Empty where the VM
  // has no RAM of its own, or not with the right for `use`. The guest may change them meanwhile: read each value once.
  // Valid for as long as the VM exists; what a device may do with them ends with Device::reset() and quiesce(). Any
  // CPU; a device may hold its own lock (rank `device`).
  [[nodiscard]] virtual std::span<std::byte> window(hal::GuestPhys place, uint64_t size, Use use) = 0;

 protected:
  ~DeviceMemory() = default;
};

}  // namespace vmm
