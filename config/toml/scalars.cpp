// SPDX-License-Identifier: Apache-2.0
#include "config/toml/scalars.hpp"

#include <array>
#include <optional>

namespace config::toml {
namespace {

// Everything a number, date or boolean is made of, and no more.
bool is_scalar_character(char c) { return is_bare_key(c) || c == '+' || c == '.' || c == ':'; }

std::string_view take_word(Reader& reader) {
  size_t length = 0;
  while (is_scalar_character(reader.peek(length))) ++length;
  const std::string_view word = reader.rest().substr(0, length);
  reader.advance(length);
  return word;
}

// ------------------------------------------------------------------------------------------------- dates and times

// A cursor over the word of a date. Every function is false when the text is something else.
class DateText {
 public:
  explicit DateText(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view of) {
    if (rest_.empty() || !of.contains(rest_.front())) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_number(size_t digits, unsigned low, unsigned high, unsigned& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!is_digit(c)) return false;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(digits);
    return value >= low && value <= high;
  }
  bool take_digits() {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) ++count;
    rest_.remove_prefix(count);
    return count > 0;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

unsigned days_in_month(unsigned year, unsigned month) {
  static constexpr std::array<unsigned char, 13> days{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month];
}

// RFC 3339 full-date.
bool take_date(DateText& text) {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  return text.take_number(4, 0, 9999, year) && text.take('-') && text.take_number(2, 1, 12, month) && text.take('-') &&
         text.take_number(2, 1, days_in_month(year, month), day);
}

// RFC 3339 partial-time; second 60 is a leap second.
bool take_time(DateText& text) {
  unsigned part = 0;
  return text.take_number(2, 0, 23, part) && text.take(':') && text.take_number(2, 0, 59, part) && text.take(':') &&
         text.take_number(2, 0, 60, part) && (!text.take('.') || text.take_digits());
}

// RFC 3339 time-offset.
bool take_offset(DateText& text) {
  unsigned part = 0;
  return text.take_any("Zz") || (text.take_any("+-") && text.take_number(2, 0, 23, part) && text.take(':') &&
                                 text.take_number(2, 0, 59, part));
}

bool looks_like_date(std::string_view word) { return word.size() > 4 && word[4] == '-' && is_digit(word[3]); }
bool looks_like_time(std::string_view word) { return word.size() > 2 && word[2] == ':' && is_digit(word[1]); }

// `begin` is the offset of `word`, which stands just before the reader.
Result<Scalar> read_date(Reader& reader, size_t begin, std::string_view word) {
  constexpr size_t date_length = 10;
  // A space may stand between date and time: the only word with one inside.
  if (word.size() == date_length && reader.peek() == ' ' && is_digit(reader.peek(1))) {
    reader.advance(1);
    (void)take_word(reader);
    word = reader.from(begin);
  }
  DateText text(word);
  if (!take_date(text)) return reader.error_at(begin, ErrorKind::bad_date, word);
  if (text.empty()) return Scalar{Kind::local_date, 0, word};
  if (!text.take_any("Tt ") || !take_time(text)) return reader.error_at(begin, ErrorKind::bad_time, word);
  if (text.empty()) return Scalar{Kind::local_date_time, 0, word};
  if (!take_offset(text) || !text.empty()) return reader.error_at(begin, ErrorKind::bad_offset, word);
  return Scalar{Kind::offset_date_time, 0, word};
}

Result<Scalar> read_time(Reader& reader, size_t begin, std::string_view word) {
  DateText text(word);
  if (!take_time(text) || !text.empty()) return reader.error_at(begin, ErrorKind::bad_time, word);
  return Scalar{Kind::local_time, 0, word};
}

// --------------------------------------------------------------------------------------------------------- numbers

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

// Digits of `base`, each underscore between two of them.
std::optional<ErrorKind> check_digits(std::string_view digits, int base) {
  if (digits.empty()) return ErrorKind::bad_number;
  bool after_digit = false;
  for (const char c : digits) {
    const bool underscore = c == '_';
    if (!underscore && digit_value(c) >= base) return ErrorKind::bad_number;
    if (underscore && !after_digit) return ErrorKind::misplaced_underscore;
    after_digit = !underscore;
  }
  if (!after_digit) return ErrorKind::misplaced_underscore;
  return {};
}

// Nothing when the magnitude does not fit.
std::optional<int64_t> to_integer(std::string_view digits, int base, bool negative) {
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  const auto radix = static_cast<uint64_t>(base);
  uint64_t value = 0;
  for (const char c : digits) {
    if (c == '_') continue;
    const auto digit = static_cast<uint64_t>(digit_value(c));
    if (value > (limit - digit) / radix) return {};
    value = value * radix + digit;
  }
  return static_cast<int64_t>(negative ? 0 - value : value);
}

bool has_leading_zero(std::string_view digits) { return digits.size() > 1 && digits[0] == '0'; }

// int [ "." digits ] [ "e" [ sign ] digits ], the sign in front already gone.
std::optional<ErrorKind> check_float(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, exponent);
  const size_t point = mantissa.find('.');
  const std::string_view whole = mantissa.substr(0, point);
  if (const auto error = check_digits(whole, 10)) return error;
  if (has_leading_zero(whole)) return ErrorKind::leading_zero;
  if (point != std::string_view::npos) {
    if (const auto error = check_digits(mantissa.substr(point + 1), 10)) return error;
  }
  if (exponent == std::string_view::npos) return {};
  std::string_view power = text.substr(exponent + 1);
  if (power.starts_with('+') || power.starts_with('-')) power.remove_prefix(1);
  return check_digits(power, 10);
}

Result<Scalar> read_integer(Reader& reader, size_t begin, std::string_view digits, int base, bool negative) {
  if (const auto error = check_digits(digits, base)) return reader.error_at(begin, *error, reader.from(begin));
  const auto value = to_integer(digits, base, negative);
  if (!value) return reader.error_at(begin, ErrorKind::integer_out_of_range, reader.from(begin));
  return Scalar{Kind::integer, *value, {}};
}

Result<Scalar> read_number(Reader& reader, size_t begin, std::string_view word) {
  const bool is_signed = word.starts_with('+') || word.starts_with('-');
  const std::string_view unsigned_part = word.substr(is_signed ? 1 : 0);
  if (unsigned_part == "inf" || unsigned_part == "nan") return Scalar{Kind::floating, 0, word};
  static constexpr struct {
    std::string_view prefix;
    int base;
  } prefixes[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
  for (const auto& [prefix, base] : prefixes) {
    if (!unsigned_part.starts_with(prefix)) continue;
    if (is_signed) return reader.error_at(begin, ErrorKind::signed_prefix, word);
    return read_integer(reader, begin, unsigned_part.substr(prefix.size()), base, false);
  }
  if (unsigned_part.empty() || !is_digit(unsigned_part[0])) {
    const bool number = is_signed || word.starts_with('.');
    return reader.error_at(begin, number ? ErrorKind::bad_number : ErrorKind::unquoted_text, word);
  }
  if (unsigned_part.find_first_of(".eE") != std::string_view::npos) {
    if (const auto error = check_float(unsigned_part)) return reader.error_at(begin, *error, word);
    return Scalar{Kind::floating, 0, word};
  }
  if (has_leading_zero(unsigned_part) && !check_digits(unsigned_part, 10)) {
    return reader.error_at(begin, ErrorKind::leading_zero, word);
  }
  return read_integer(reader, begin, unsigned_part, 10, word.starts_with('-'));
}

}  // namespace

Result<Scalar> read_scalar(Reader& reader) {
  const size_t begin = reader.offset();
  const std::string_view word = take_word(reader);
  if (word.empty()) return reader.error(ErrorKind::expected_value);
  if (word == "true" || word == "false") return Scalar{Kind::boolean, word == "true" ? 1 : 0, {}};
  if (looks_like_date(word)) return read_date(reader, begin, word);
  if (looks_like_time(word)) return read_time(reader, begin, word);
  return read_number(reader, begin, word);
}

}  // namespace config::toml
