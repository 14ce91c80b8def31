// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace arch::mailbox {

// A CPU that firmware or the boot loader left waiting on its mailbox 0 goes to `entry`, with direct addresses.
void start_cpu(uint64_t hardware_id, hal::HostPhys entry);

}  // namespace arch::mailbox
