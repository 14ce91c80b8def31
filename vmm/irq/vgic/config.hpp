// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace vmm::vgic {

enum class Version : uint8_t { v2 = 2, v3 = 3 };

// Fixed at creation. The default addresses are those of QEMU's `virt` board.
struct Config {
  Version version = Version::v3;
  unsigned vcpus = 1;   // 1 to 64; 1 to 8 in version 2
  unsigned spis = 256;  // rounded up to whole banks of 32, at most 988
  bool its = false;     // version 3 only
  hal::GuestPhys distributor{0x0800'0000};
  hal::GuestPhys cpu_interface{0x0801'0000};  // version 2: the first page is GICV by stage 2, the second a device
  hal::GuestPhys its_base{0x0808'0000};
  hal::GuestPhys redistributors{0x080a'0000};
  uint32_t timer_ppi = 27;       // INTID of the guest's virtual timer, 16 to 31
  uint32_t physical_timer = 27;  // INTID of the host's interrupt behind it
};

}  // namespace vmm::vgic
