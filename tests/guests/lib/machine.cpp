// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

namespace guest {

constinit Uart uart;
constinit Machine machine;

void Uart::put(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') put('\r');
    put(c);
  }
}

char Uart::get() {
  while (!has_input()) {
  }
  return take();
}

}  // namespace guest
