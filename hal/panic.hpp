// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/address.hpp"

namespace hal {

// The end of a machine that failed: after a panic (hal/base/panic.hpp), or an exception of the hypervisor's own that
// arch/ has reported. For a caller that log::panic_mode() has let through.

// Log where `pc` is and who called it, as far as the chain of frame records from `frame`, a frame pointer, holds: the
// stack may be damaged.
void log_backtrace(HostVirt pc, HostVirt frame);
// Nobody runs any more.
[[noreturn]] void stop_machine();

}  // namespace hal
