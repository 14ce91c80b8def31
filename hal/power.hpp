// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hal {

// Through firmware, whatever the other CPUs do at that moment. A firmware that does not answer leaves this CPU halted.
[[noreturn]] void power_off();
[[noreturn]] void reboot();

}  // namespace hal
