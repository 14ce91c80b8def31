// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/host/config_text.hpp"

namespace host {

// --set VM.KEY=VALUE, taken apart. VALUE is TOML; anything else is text that needs no quotation marks here.
struct Override {
  std::string source;  // as given, for messages
  std::string vm;      // "plinth" means plinth.toml
  std::string key;     // dotted: "kernel.cmdline"
  std::string value;   // TOML

  // Nothing, after a message, when it has another form.
  static std::optional<Override> parse(std::string_view argument);
};

// Change one value of `file`, which is good TOML: in place where the key is there, else as a new line that disturbs no
// other. False, after a message, where TOML has no way to say it.
bool apply(const Override& change, ConfigText& file);

}  // namespace host
