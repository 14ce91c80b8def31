// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/address.hpp"

namespace vmm::vgic {

// Tables that the guest gives its interrupt controller by address. Both calls fail, with nothing transferred beyond the
// failing point, when the range is not RAM of this guest; they neither block nor fault. They are called with a lock of
// the model held (ranks its to vgic_vcpu), from the exit path of any vCPU of the VM. An aligned access of 8 bytes or
// less is not torn by the guest's other vCPUs.
class GuestMemoryAccess {
 public:
  [[nodiscard]] virtual bool read(hal::GuestPhys from, std::span<std::byte> to) = 0;
  [[nodiscard]] virtual bool write(hal::GuestPhys to, std::span<const std::byte> from) = 0;

 protected:
  ~GuestMemoryAccess() = default;
};

}  // namespace vmm::vgic
