// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/result.hpp"
#include "task/task.hpp"

namespace vmm {

// Memory that guests gave back becomes zeroes and free again by a task of the hypervisor. Nobody is there any more to
// be charged for it, so it takes no more than a sixteenth of one CPU, in pieces of 256 KiB.

// Once, at boot. Errors: as task::spawn().
hal::Result<void, task::TaskError> start_scrubber();
// There is dirty memory. Any task.
void scrub_soon();
// Do what the scrubber has not come to, at half a CPU, until `bytes` are free or nothing is dirty. For a task of the
// hypervisor.
void scrub_until_free(uint64_t bytes);

}  // namespace vmm
