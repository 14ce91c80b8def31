// SPDX-License-Identifier: Apache-2.0
#include "config/toml/reader.hpp"

namespace config::toml {

bool Reader::take_line_end() {
  if (!at_line_end()) return false;
  at_ += peek() == '\r' ? 2 : 1;
  return true;
}

void Reader::skip_spaces() {
  while (is_space(peek())) ++at_;
}

Result<void> Reader::skip_comment() {
  if (peek() != '#') return {};
  while (!at_end() && !at_line_end()) {
    if (is_forbidden_control(peek())) return control_error();
    ++at_;
  }
  return {};
}

Result<void> Reader::skip_blank() {
  do {
    skip_spaces();
    TRY(skip_comment());
  } while (take_line_end());
  return {};
}

Position Reader::position_of(size_t offset) {
  if (offset < counted_) {
    counted_ = 0;
    counted_position_ = {1, 1};
  }
  for (; counted_ < offset; ++counted_) {
    const auto byte = static_cast<unsigned char>(text_[counted_]);
    if (byte == '\n') {
      ++counted_position_.line;
      counted_position_.column = 1;
    } else if ((byte & 0xc0) != 0x80) {
      ++counted_position_.column;
    }
  }
  return counted_position_;
}

namespace {

// Well-formed sequences by their first byte: length, and the range of the second byte. The others are 80..BF.
struct Utf8Lead {
  unsigned char first, last;
  unsigned char length;
  unsigned char second_low, second_high;
};
constexpr Utf8Lead utf8_leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

// Bytes of the sequence at the start of `text`; 0 when it is ill-formed.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const Utf8Lead& lead : utf8_leads) {
    if (byte(0) < lead.first || byte(0) > lead.last) continue;
    if (lead.length == 1) return 1;
    if (text.size() < lead.length || byte(1) < lead.second_low || byte(1) > lead.second_high) return 0;
    for (size_t i = 2; i < lead.length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    return lead.length;
  }
  return 0;
}

}  // namespace

size_t find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

char* put_utf8(char* out, uint32_t code_point) {
  const auto put = [&](uint32_t byte) { *out++ = static_cast<char>(byte); };
  const auto put_tail = [&](unsigned shift) { put(0x80 | ((code_point >> shift) & 0x3f)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put_tail(0);
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put_tail(6);
    put_tail(0);
  } else {
    put(0xf0 | code_point >> 18);
    put_tail(12);
    put_tail(6);
    put_tail(0);
  }
  return out;
}

}  // namespace config::toml
