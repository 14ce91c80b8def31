// SPDX-License-Identifier: Apache-2.0
#include "hal/base/format.hpp"

#include <algorithm>
#include <cstring>

namespace hal {

void BufferSink::put(std::string_view text) {
  const size_t room = buffer_.size() - used_;
  const size_t count = std::min(room, text.size());
  std::memcpy(buffer_.data() + used_, text.data(), count);
  used_ += count;
  truncated_ |= count < text.size();
}

std::string_view digits(uint64_t number, unsigned base, std::span<char, max_digits> storage) {
  size_t first = storage.size();
  do {
    const auto digit = static_cast<unsigned>(number % base);
    storage[--first] = static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10);
    number /= base;
  } while (number != 0);
  return {storage.data() + first, storage.size() - first};
}

namespace detail {
namespace {

struct Style {
  bool left = false;
  bool right = false;
  bool prefix = false;
  bool zeros = false;
  bool hexadecimal = false;
  unsigned width = 0;
};

Style parse_style(std::string_view spec) {
  Style style;
  for (const char c : spec) {
    if (c == '<') {
      style.left = true;
    } else if (c == '>') {
      style.right = true;
    } else if (c == '#') {
      style.prefix = true;
    } else if (c == '0' && style.width == 0) {
      style.zeros = true;
    } else if (c >= '0' && c <= '9') {
      style.width = std::min(style.width * 10 + static_cast<unsigned>(c - '0'), 256U);
    } else if (c == 'x') {
      style.hexadecimal = true;
    }
  }
  return style;
}

void pad(TextSink& sink, char with, size_t count) {
  for (size_t i = 0; i < count; ++i) sink.put({&with, 1});
}

void put_padded(TextSink& sink, std::string_view text, const Style& style, bool right_by_default) {
  const size_t missing = style.width > text.size() ? style.width - text.size() : 0;
  const bool right = style.right || (right_by_default && !style.left);
  if (right) pad(sink, ' ', missing);
  sink.put(text);
  if (!right) pad(sink, ' ', missing);
}

void put_number(TextSink& sink, uint64_t magnitude, bool negative, const Style& style) {
  std::array<char, max_digits> storage{};
  const std::string_view body = digits(magnitude, style.hexadecimal ? 16 : 10, storage);
  const std::string_view sign = negative ? "-" : "";
  const std::string_view prefix = style.hexadecimal && style.prefix ? "0x" : "";
  const size_t length = sign.size() + prefix.size() + body.size();
  const size_t missing = style.width > length ? style.width - length : 0;
  if (!style.zeros && !style.left) pad(sink, ' ', missing);
  sink.put(sign);
  sink.put(prefix);
  if (style.zeros) pad(sink, '0', missing);
  sink.put(body);
  if (!style.zeros && style.left) pad(sink, ' ', missing);
}

void put_size(TextSink& sink, uint64_t bytes, const Style& style) {
  struct Unit {
    uint64_t size;
    std::string_view name;
  };
  static constexpr std::array units{Unit{gib, "GiB"}, Unit{mib, "MiB"}, Unit{kib, "KiB"}, Unit{1, "B"}};
  const Unit* unit = units.begin();
  while (unit->size > 1 && (bytes < unit->size || bytes % unit->size != 0)) ++unit;
  std::array<char, max_digits + 3> storage{};
  BufferSink text(storage);
  put_number(text, bytes / unit->size, false, {});
  text.put(unit->name);
  put_padded(sink, text.text(), style, true);
}

void put_argument(TextSink& sink, const FormatArgument& argument, Style style) {
  using enum FormatArgument::Kind;
  const uint64_t number = argument.number();
  switch (argument.kind()) {
    case unsigned_number: put_number(sink, number, false, style); break;
    case signed_number:
      if (style.hexadecimal || static_cast<int64_t>(number) >= 0) {
        put_number(sink, number, false, style);
      } else {
        put_number(sink, 0 - number, true, style);
      }
      break;
    case address:
      style.hexadecimal = style.prefix = true;
      put_number(sink, number, false, style);
      break;
    case text: put_padded(sink, argument.text(), style, false); break;
    case boolean: put_padded(sink, number != 0 ? "true" : "false", style, false); break;
    case character: {
      const char c = static_cast<char>(number);
      put_padded(sink, {&c, 1}, style, false);
      break;
    }
    case size: put_size(sink, number, style); break;
  }
}

}  // namespace

void format(TextSink& sink, std::string_view pattern, std::span<const FormatArgument> arguments) {
  size_t next = 0;
  while (!pattern.empty()) {
    const size_t brace = pattern.find_first_of("{}");
    sink.put(pattern.substr(0, brace));
    if (brace == std::string_view::npos) return;
    pattern.remove_prefix(brace);
    if (pattern.size() > 1 && pattern[1] == pattern[0]) {
      sink.put(pattern.substr(0, 1));
      pattern.remove_prefix(2);
      continue;
    }
    const size_t end = pattern.find('}');
    put_argument(sink, arguments[next++], parse_style(pattern.substr(1, end - 1)));
    pattern.remove_prefix(end + 1);
  }
}

}  // namespace detail
}  // namespace hal
