// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/platform/platform.hpp"

namespace hal::driver {

// What the machine's clock says, in seconds since 1970-01-01 00:00 UTC. `registers` is where rtc.registers is mapped.
[[nodiscard]] uint64_t read_clock(RtcKind kind, HostVirt registers);

}  // namespace hal::driver
