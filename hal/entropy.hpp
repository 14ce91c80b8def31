// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace hal {

// A number from this CPU's own generator of random numbers; nothing where it has none, or it cannot keep up just now.
[[nodiscard]] std::optional<uint64_t> hardware_random();

}  // namespace hal
