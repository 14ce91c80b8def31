// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/platform/platform.hpp"

namespace hal {

// Make every CPU able to run guests: clock and timer, interrupt controller, EL2 / LVZ state. A CPU that cannot is
// reported and left out. Called once by the boot CPU, which returns from it; every other CPU goes to
// upcall::cpu_ready(). False: not even the boot CPU can run guests; the log says why, and the hypervisor is only good
// for its shell.
[[nodiscard]] bool enable_virtualization();

// The machine as the boot code found it. Constant.
[[nodiscard]] const Platform& platform();

}  // namespace hal
