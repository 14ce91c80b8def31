// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hal {

// What a processor does at an address.
enum class AccessKind : uint8_t { load, store, fetch };

}  // namespace hal
