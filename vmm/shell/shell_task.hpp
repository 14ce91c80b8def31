// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/result.hpp"
#include "task/task.hpp"

namespace vmm {

// Start the management shell beside the guests, after start_console() and vmm::start(): from then on its task alone
// makes and destroys VMs. Errors: as task::spawn().
hal::Result<void, task::TaskError> start_shell();

}  // namespace vmm
