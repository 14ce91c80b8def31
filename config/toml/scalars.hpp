// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "config/toml/reader.hpp"

namespace config::toml {

struct Scalar {
  Kind kind = Kind::boolean;
  int64_t integer = 0;    // integers and booleans
  std::string_view text;  // floats and dates, as written
};

// The boolean, number or date at the reader's place.
[[nodiscard]] Result<Scalar> read_scalar(Reader& reader);

}  // namespace config::toml
