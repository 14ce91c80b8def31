// SPDX-License-Identifier: Apache-2.0
#include "config/toml/strings.hpp"

#include <cstring>
#include <optional>

namespace config::toml {
namespace {

struct Style {
  char quote;
  bool multiline;
  [[nodiscard]] bool has_escapes() const { return quote == '"'; }
};

Style take_opening(Reader& reader) {
  const char quote = reader.peek();
  const bool multiline = reader.peek(1) == quote && reader.peek(2) == quote;
  reader.advance(multiline ? 3 : 1);
  return {quote, multiline};
}

// The number of quotation marks that belong to the content before the closing delimiter, when one begins here: up to
// two may stand in front of the last three.
std::optional<size_t> quotes_before_closing(const Reader& reader, Style style) {
  size_t quotes = 0;
  while (quotes < 5 && reader.peek(quotes) == style.quote) ++quotes;
  if (!style.multiline) return quotes > 0 ? std::optional<size_t>(0) : std::nullopt;
  return quotes >= 3 ? std::optional<size_t>(quotes - 3) : std::nullopt;
}

// `\` at the end of a line swallows all space up to the next text.
bool at_line_continuation(const Reader& reader) {
  size_t ahead = 1;
  while (is_space(reader.peek(ahead))) ++ahead;
  return reader.peek(ahead) == '\n' || (reader.peek(ahead) == '\r' && reader.peek(ahead + 1) == '\n');
}

void skip_line_continuation(Reader& reader) {
  reader.advance(1);
  do {
    reader.skip_spaces();
  } while (reader.take_line_end());
}

std::optional<uint32_t> hex_value(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return {};
    value = value << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

// \uXXXX or \UXXXXXXXX.
Result<uint32_t> read_code_point(Reader& reader) {
  const size_t width = reader.peek(1) == 'u' ? 4 : 8;
  const std::string_view digits = reader.rest().substr(2, width);
  const auto value = hex_value(digits);
  if (digits.size() < width || !value) return reader.error(ErrorKind::bad_escape, reader.rest().substr(0, 2));
  if (*value > 0x10ffff || (*value >= 0xd800 && *value <= 0xdfff)) {
    return reader.error(ErrorKind::bad_code_point, reader.rest().substr(0, 2 + width));
  }
  reader.advance(2 + width);
  return *value;
}

Result<uint32_t> read_escape(Reader& reader) {
  static constexpr std::string_view letters = "btnfr\"\\";
  static constexpr std::string_view meanings = "\b\t\n\f\r\"\\";
  const char letter = reader.peek(1);
  if (letter == 'u' || letter == 'U') return read_code_point(reader);
  const size_t index = letters.find(letter);
  if (letter == '\0' || index == std::string_view::npos) {
    // A whole character, not its first byte.
    size_t length = 2;
    while ((static_cast<unsigned char>(reader.peek(length)) & 0xc0) == 0x80) ++length;
    return reader.error(ErrorKind::bad_escape, reader.rest().substr(0, length));
  }
  reader.advance(2);
  return static_cast<uint32_t>(meanings[index]);
}

// Goes over the content, up to but without the closing delimiter. `put` takes a piece of the document that stands for
// itself, `put_code_point` what an escape means.
template <class Put, class PutCodePoint>
Result<void> scan(Reader& reader, Style style, size_t opened_at, Put put, PutCodePoint put_code_point) {
  for (;;) {
    if (const auto extra = quotes_before_closing(reader, style)) {
      put(reader.rest().substr(0, *extra));
      reader.advance(*extra);
      return {};
    }
    if (reader.at_end()) return reader.error_at(opened_at, ErrorKind::unclosed_string);
    if (reader.at_line_end()) {
      if (!style.multiline) return reader.error(ErrorKind::line_break_in_string);
      (void)reader.take_line_end();
      // Line ends are LF, whatever the editor wrote.
      put("\n");
    } else if (is_forbidden_control(reader.peek())) {
      return reader.control_error();
    } else if (style.has_escapes() && reader.peek() == '\\') {
      if (style.multiline && at_line_continuation(reader)) {
        skip_line_continuation(reader);
      } else {
        put_code_point(TRY(read_escape(reader)));
      }
    } else {
      put(reader.rest().substr(0, 1));
      reader.advance(1);
    }
  }
}

bool stands_for_itself(std::string_view raw, Style style) {
  return !raw.contains('\r') && !(style.has_escapes() && raw.contains('\\'));
}

Result<std::string_view> read(Reader& reader, Arena& arena) {
  const size_t opened_at = reader.offset();
  const Style style = take_opening(reader);
  if (style.multiline) (void)reader.take_line_end();

  // Once to check it and find its end; a second time only when the content differs from what stands there.
  const size_t begin = reader.offset();
  Reader second = reader;
  TRY(scan(reader, style, opened_at, [](std::string_view) {}, [](uint32_t) {}));
  std::string_view content = reader.from(begin);
  if (!stands_for_itself(content, style)) {
    // Escapes are never shorter than what they mean.
    char* const copy = arena.make_text(content.size());
    if (copy == nullptr) return reader.error_at(opened_at, ErrorKind::out_of_memory);
    char* out = copy;
    const auto put = [&](std::string_view piece) {
      std::memcpy(out, piece.data(), piece.size());
      out += piece.size();
    };
    TRY(scan(second, style, opened_at, put, [&](uint32_t code_point) { out = put_utf8(out, code_point); }));
    content = {copy, static_cast<size_t>(out - copy)};
  }
  reader.advance(style.multiline ? 3 : 1);
  return content;
}

}  // namespace

Result<std::string_view> read_string(Reader& reader, Arena& arena) { return read(reader, arena); }

Result<std::string_view> read_quoted_key(Reader& reader, Arena& arena) {
  const char quote = reader.peek();
  if (reader.peek(1) == quote && reader.peek(2) == quote) return reader.error(ErrorKind::multiline_key);
  return read(reader, arena);
}

}  // namespace config::toml
