// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace hal {

// Stop the machine: an invariant of our own code is broken. Never for what a guest, a file or firmware did. Defined by the
// kernel's panic code and by tests/fakes.
[[noreturn]] void panic(std::string_view what);

}  // namespace hal
