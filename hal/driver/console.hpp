// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/address.hpp"
#include "hal/console.hpp"
#include "hal/platform/platform.hpp"

namespace hal::driver {

// The driver of the UART that is the console; there is one. `registers` is where uart.registers is mapped. Boot CPU;
// calling it again replaces the driver (the same UART at another address), and what it returned before ends. Null where
// this build was made without its family.
[[nodiscard]] ConsoleDevice* open_console(const UartInfo& uart, HostVirt registers);

}  // namespace hal::driver
