// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "config/diagnostics.hpp"

namespace config {

// The place in a TOML file of the value at `path` ("kernel.image", "memory.region.0.image"), or of the innermost table
// on the way to it that is there. Line 0 where the file is no TOML. For what is found wrong after a file was loaded:
// `arena` is scratch memory, as large as loading took.
[[nodiscard]] Position position_of(std::string_view text, std::span<std::byte> arena, std::string_view path);

}  // namespace config
