// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/result.hpp"
#include "hal/console.hpp"
#include "task/task.hpp"
#include "vmm/console/bell.hpp"

namespace vmm {

// Take the UART over and start the task that serves it. `irq` is the UART's interrupt, 0 when it has none. Boot CPU,
// after task::enter_cpu(); from here on vmm::console() works. Errors: as task::spawn().
hal::Result<void, task::TaskError> start_console(hal::ConsoleDevice& device, uint32_t irq, char escape);

// Rung for the shell's task.
[[nodiscard]] TaskBell& prompt_bell();

}  // namespace vmm
