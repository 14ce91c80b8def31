// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/platform/platform.hpp"

// The firmware below us: PSCI (Arm DEN0022D) by SMC, or by HVC where another hypervisor plays firmware.
namespace arch::psci {

void set_conduit(hal::FirmwareConduit conduit);

// 0, or a negative PSCI error.
[[nodiscard]] int64_t cpu_on(uint64_t hardware_id, hal::HostPhys entry, uint64_t context);
void cpu_off();
void system_off();
void system_reset();

}  // namespace arch::psci
