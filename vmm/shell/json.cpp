// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/json.hpp"

namespace vmm::shell {

void JsonWriter::quote(std::string_view text) {
  sink_.put("\"");
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      sink_.put("\\");
      sink_.put({&c, 1});
    } else if (code < ' ' || code == 0x7f) {
      hal::format(sink_, "\\u{:04x}", unsigned{code});
    } else {
      sink_.put({&c, 1});
    }
  }
  sink_.put("\"");
}

}  // namespace vmm::shell
