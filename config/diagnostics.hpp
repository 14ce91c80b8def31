// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/format.hpp"

namespace config {

// A place in a text file. Both count from 1; a column is a code point. Line 0 means the file as a whole.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
  friend constexpr bool operator==(Position, Position) = default;
};

// One thing that is wrong with a file, with what was meant where that can be guessed. The views live as long as the
// call that hands it over.
struct Diagnostic {
  std::string_view file;
  Position position;
  std::string_view message;
};

// "file:line:column: message", without a newline; the parts that are unknown are left out.
void write(hal::TextSink& sink, const Diagnostic& diagnostic);

// Who is told: a log, a terminal, a test.
class DiagnosticSink {
 public:
  virtual void report(const Diagnostic& diagnostic) = 0;

 protected:
  ~DiagnosticSink() = default;
};

// The errors of one file on their way to a sink. A file with more than `limit` errors gets one closing line instead of
// the rest, so that a hostile file cannot flood a log.
class Diagnostics {
 public:
  static constexpr unsigned limit = 20;
  static constexpr size_t message_capacity = 640;

  Diagnostics(std::string_view file, DiagnosticSink& sink) : file_(file), sink_(sink) {}

  template <class... Arguments>
  void error(Position position, hal::Pattern<std::type_identity_t<Arguments>...> pattern,
             const Arguments&... arguments) {
    std::array<char, message_capacity> buffer{};
    hal::BufferSink text(buffer);
    hal::format(text, pattern, arguments...);
    report(position, std::span(buffer).first(text.text().size()));
  }

  [[nodiscard]] unsigned errors() const { return errors_; }
  [[nodiscard]] std::string_view file() const { return file_; }

 private:
  // Puts `?` for control characters, which a file may bring in and a terminal would obey.
  void report(Position position, std::span<char> message);

  std::string_view file_;
  DiagnosticSink& sink_;
  unsigned errors_ = 0;
};

}  // namespace config
