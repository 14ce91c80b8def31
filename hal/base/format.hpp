// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "hal/base/address.hpp"

namespace hal {

// Where formatted text goes: a console, a ring, a buffer.
class TextSink {
 public:
  virtual void put(std::string_view text) = 0;

 protected:
  ~TextSink() = default;
};

// Collects text in a caller's buffer and drops what does not fit.
class BufferSink final : public TextSink {
 public:
  explicit BufferSink(std::span<char> buffer) : buffer_(buffer) {}
  void put(std::string_view text) override;
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), used_}; }
  [[nodiscard]] bool truncated() const { return truncated_; }

 private:
  std::span<char> buffer_;
  size_t used_ = 0;
  bool truncated_ = false;
};

// `number` in base 10 or 16, in lower case, at the end of `storage`. std::to_chars() would bring two kilobytes of
// tables.
inline constexpr size_t max_digits = 20;
[[nodiscard]] std::string_view digits(uint64_t number, unsigned base, std::span<char, max_digits> storage);

// A byte count that prints as people write it: "512MiB", "4KiB", "17B".
struct Size {
  uint64_t bytes;
};

// One argument of format(), with its type erased. Any address kind converts by itself; other enums and classes say how
// they print through a `std::string_view name(T)` found by argument-dependent look-up.
class FormatArgument {
 public:
  enum class Kind : uint8_t { text, unsigned_number, signed_number, character, boolean, address, size };

  constexpr FormatArgument(bool value) : FormatArgument(uint64_t{value}, Kind::boolean) {}
  constexpr FormatArgument(char value) : FormatArgument(static_cast<unsigned char>(value), Kind::character) {}
  template <std::unsigned_integral T>
  constexpr FormatArgument(T value) : FormatArgument(value, Kind::unsigned_number) {}
  template <std::signed_integral T>
  constexpr FormatArgument(T value) : FormatArgument(static_cast<uint64_t>(static_cast<int64_t>(value)), Kind::signed_number) {}
  constexpr FormatArgument(std::string_view value) : text_(value.data()), kind_and_length_(value.size()) {}
  constexpr FormatArgument(const char* value) : FormatArgument(std::string_view(value)) {}
  constexpr FormatArgument(Size value) : FormatArgument(value.bytes, Kind::size) {}
  template <class Place>
  constexpr FormatArgument(Address<Place> value) : FormatArgument(value.value(), Kind::address) {}
  FormatArgument(const void* value) : FormatArgument(reinterpret_cast<uintptr_t>(value), Kind::address) {}
  template <class T>
    requires std::is_enum_v<T> && requires(T value) {
      { name(value) } -> std::convertible_to<std::string_view>;
    }
  constexpr FormatArgument(T value) : FormatArgument(std::string_view(name(value))) {}

  [[nodiscard]] constexpr Kind kind() const { return static_cast<Kind>(kind_and_length_ >> kind_shift); }
  [[nodiscard]] constexpr uint64_t number() const { return number_; }
  // Of Kind::text, which is 0.
  [[nodiscard]] constexpr std::string_view text() const { return {text_, kind_and_length_}; }

 private:
  static constexpr unsigned kind_shift = 56;

  constexpr FormatArgument(uint64_t number, Kind kind)
      : number_(number), kind_and_length_(uint64_t{static_cast<uint8_t>(kind)} << kind_shift) {}

  // Two registers and one store of both: there are hundreds of places that fill one in, and a text is in two already.
  union {
    uint64_t number_;
    const char* text_;
  };
  uint64_t kind_and_length_;
};

namespace detail {
// Number of arguments that a pattern takes; negative when it is malformed. Grammar of a placeholder:
// `{` [ `:` [`<` | `>`] [`#`] [`0`] [width] [`x` | `d`] ] `}`, and `{{`, `}}` for the braces themselves.
constexpr int count_placeholders(std::string_view pattern) {
  int count = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '}') {
      if (i + 1 >= pattern.size() || pattern[++i] != '}') return -1;
      continue;
    }
    if (pattern[i] != '{') continue;
    if (i + 1 < pattern.size() && pattern[i + 1] == '{') {
      ++i;
      continue;
    }
    const size_t end = pattern.find('}', i);
    if (end == std::string_view::npos) return -1;
    if (end != i + 1 && pattern[i + 1] != ':') return -1;
    ++count;
    i = end;
  }
  return count;
}
void format(TextSink& sink, std::string_view pattern, std::span<const FormatArgument> arguments);
// Reached only while compiling a pattern that does not fit its arguments.
void pattern_does_not_fit_its_arguments();
}  // namespace detail

template <class... Arguments>
struct Pattern {
  consteval Pattern(const char* text) : text(text) {
    if (detail::count_placeholders(text) != static_cast<int>(sizeof...(Arguments))) {
      detail::pattern_does_not_fit_its_arguments();
    }
  }
  std::string_view text;
};

// Write `pattern` to `sink`, each {} replaced by the next argument. The pattern is checked at compile time. Allocates
// nothing and takes no lock; `sink` says what its own put() does.
template <class... Arguments>
void format(TextSink& sink, Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  const std::array<FormatArgument, sizeof...(Arguments)> erased{FormatArgument(arguments)...};
  detail::format(sink, pattern.text, erased);
}

}  // namespace hal
