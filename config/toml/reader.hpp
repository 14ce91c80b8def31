// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "config/toml.hpp"
#include "hal/base/result.hpp"

namespace config::toml {

template <class T>
using Result = hal::Result<T, Error>;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_bare_key(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}
// Control characters other than tab are allowed nowhere in a document, but for line ends.
constexpr bool is_forbidden_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// A document and a place in it. Beyond the end it reads as NUL, which no document may contain.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek(size_t ahead = 0) const { return ahead < text_.size() - at_ ? text_[at_ + ahead] : '\0'; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] size_t offset() const { return at_; }
  [[nodiscard]] std::string_view from(size_t offset) const { return text_.substr(offset, at_ - offset); }
  void advance(size_t count) { at_ += count; }

  [[nodiscard]] bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool take(std::string_view expected) {
    if (!rest().starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  // LF or CRLF.
  [[nodiscard]] bool at_line_end() const { return peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }
  [[nodiscard]] bool take_line_end();
  void skip_spaces();
  // "# ..." up to the line's end, if there is one here.
  [[nodiscard]] Result<void> skip_comment();
  // Spaces, comments and line ends, as inside an array.
  [[nodiscard]] Result<void> skip_blank();

  // Line and column; cheap when asked for in ascending order.
  [[nodiscard]] Position position() { return position_of(at_); }
  [[nodiscard]] Position position_of(size_t offset);

  [[nodiscard]] hal::Failure<Error> error(ErrorKind kind, std::string_view subject = {}) {
    return error_at(at_, kind, subject);
  }
  [[nodiscard]] hal::Failure<Error> error_at(size_t offset, ErrorKind kind, std::string_view subject = {}) {
    return hal::fail(Error{kind, position_of(offset), subject, {}});
  }
  // What is wrong with the control character here: a lone CR deserves its own message.
  [[nodiscard]] hal::Failure<Error> control_error() {
    return error(peek() == '\r' ? ErrorKind::bare_carriage_return : ErrorKind::control_character);
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  // The last position computed, from which the next is counted on.
  size_t counted_ = 0;
  Position counted_position_{1, 1};
};

// The offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7), or npos.
[[nodiscard]] size_t find_invalid_utf8(std::string_view text);
// Appends `code_point`, a Unicode scalar value, and returns the new end.
char* put_utf8(char* out, uint32_t code_point);

}  // namespace config::toml
