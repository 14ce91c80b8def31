// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostics.hpp"

#include <algorithm>

namespace config {

void write(hal::TextSink& sink, const Diagnostic& diagnostic) {
  sink.put(diagnostic.file);
  if (diagnostic.position.line != 0) {
    hal::format(sink, ":{}:{}", diagnostic.position.line, diagnostic.position.column);
  }
  sink.put(": ");
  sink.put(diagnostic.message);
}

void Diagnostics::report(Position position, std::span<char> message) {
  ++errors_;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::ranges::replace_if(message, is_control, '?');
  if (errors_ <= limit) sink_.report({file_, position, {message.data(), message.size()}});
  if (errors_ == limit + 1) sink_.report({file_, {}, "more errors follow"});
}

}  // namespace config
