// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "config/toml.hpp"

namespace host {

// Memory enough for any document of the size of `text`: two bytes, "1,", make the most nodes for their length, and
// unescaped strings are no longer than what stands there. Pages that the document does not need stay untouched.
class TomlMemory {
 public:
  explicit TomlMemory(std::string_view text)
      : size_((text.size() / 2 + 64) * sizeof(config::toml::Node) + text.size()),
        bytes_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}
  [[nodiscard]] std::span<std::byte> arena() const { return {bytes_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace host
