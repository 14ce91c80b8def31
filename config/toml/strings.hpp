// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/arena.hpp"
#include "config/toml/reader.hpp"

namespace config::toml {

// The string at the reader's place, which shows a quotation mark; all four kinds. A view of the document where nothing
// had to be changed, else a copy in `arena`.
[[nodiscard]] Result<std::string_view> read_string(Reader& reader, Arena& arena);
// As a key: one line only.
[[nodiscard]] Result<std::string_view> read_quoted_key(Reader& reader, Arena& arena);

}  // namespace config::toml
