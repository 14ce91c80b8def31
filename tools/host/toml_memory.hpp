// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "config/toml.hpp"

namespace host {

// Memory enough for any document of the size of `text`: two bytes, "1,", make the most nodes for their length.
class TomlMemory {
 public:
  explicit TomlMemory(std::string_view text) : bytes_((text.size() + 64) * sizeof(config::toml::Node)) {}
  [[nodiscard]] std::span<std::byte> arena() const { return bytes_; }

 private:
  mutable std::vector<std::byte> bytes_;
};

}  // namespace host
