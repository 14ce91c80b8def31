// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/platform/loongarch.hpp"

namespace arch::power {

// The registers that hal::power_off() and hal::reboot() use.
void set_registers(const hal::LoongArchPlatform& machine);

}  // namespace arch::power
