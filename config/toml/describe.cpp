// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/toml.hpp"

namespace config::toml {

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::string: return "a string";
    case Kind::integer: return "an integer";
    case Kind::floating: return "a float";
    case Kind::boolean: return "a boolean";
    case Kind::offset_date_time:
    case Kind::local_date_time: return "a date-time";
    case Kind::local_date: return "a date";
    case Kind::local_time: return "a time";
    case Kind::array: return "an array";
    case Kind::table: return "a table";
  }
  return "a value";
}

namespace {

// `%` stands for the subject, `#` for the line of the earlier definition.
struct Message {
  ErrorKind kind;
  std::string_view text;
};
constexpr Message messages[] = {
    {ErrorKind::invalid_utf8, "this is not UTF-8"},
    {ErrorKind::control_character, "control characters are not allowed here; write them as an escape in a \"string\""},
    {ErrorKind::bare_carriage_return, "a carriage return without a line feed behind it"},
    {ErrorKind::expected_key, "expected a key"},
    {ErrorKind::expected_equals, "expected `=` after the key `%`"},
    {ErrorKind::expected_value, "expected a value"},
    {ErrorKind::expected_line_end, "expected the end of the line here: each line holds one key and value"},
    {ErrorKind::unquoted_text, "`%` is not a value; text needs quotation marks: \"%\""},
    {ErrorKind::unclosed_string, "this string is never closed"},
    {ErrorKind::line_break_in_string, "the string must end on its line, or begin with three quotation marks"},
    {ErrorKind::multiline_key, "a key cannot be a string of several lines"},
    {ErrorKind::bad_escape, "unknown escape `%`; a backslash itself is written `\\\\`, or use a 'literal string'"},
    {ErrorKind::bad_code_point, "`%` is not a Unicode character"},
    {ErrorKind::unclosed_array, "this array is never closed with `]`"},
    {ErrorKind::expected_array_separator, "expected `,` or `]` in the array"},
    {ErrorKind::unclosed_inline_table, "this inline table is never closed with `}`"},
    {ErrorKind::expected_inline_separator, "expected `,` or `}` in the inline table"},
    {ErrorKind::line_break_in_inline_table, "an inline table must stay on one line; a [table] may be longer"},
    {ErrorKind::trailing_comma_in_inline_table, "an inline table has no comma behind its last value"},
    {ErrorKind::unclosed_header, "expected `%` at the end of the table's name"},
    {ErrorKind::bad_number, "`%` is not a number"},
    {ErrorKind::leading_zero, "`%` begins with a zero; octal numbers are written 0o17"},
    {ErrorKind::misplaced_underscore, "in `%` an underscore does not stand between two digits"},
    {ErrorKind::signed_prefix, "`%`: hexadecimal, octal and binary numbers take no sign"},
    {ErrorKind::integer_out_of_range, "`%` does not fit into 64 bits with a sign"},
    {ErrorKind::bad_date, "`%` is not a date like 2024-12-31"},
    {ErrorKind::bad_time, "`%` has no time like 23:59:59"},
    {ErrorKind::bad_offset, "`%` has no time offset like Z or +01:00"},
    {ErrorKind::duplicate_key, "the key `%` is defined already, in line #"},
    {ErrorKind::duplicate_table, "the table `%` is defined already, in line #"},
    {ErrorKind::not_a_table, "`%` is no table but a value, defined in line #"},
    {ErrorKind::not_a_table_array, "`%` is no array of tables; it is defined in line #"},
    {ErrorKind::inline_table_is_closed, "the inline table `%` of line # is complete and takes no more keys"},
    {ErrorKind::array_is_closed, "`%` is an array, from line #, which cannot be added to here"},
    {ErrorKind::dotted_into_table, "the table `%` of line # cannot be added to with a dotted key"},
    {ErrorKind::too_deep, "values are nested too deeply"},
    {ErrorKind::out_of_memory, "the document is too large for the memory set aside for it"},
};

// A subject is a piece of somebody's file: no more than a glimpse of it, whole characters only.
std::string_view glimpse(std::string_view subject) {
  size_t length = std::min<size_t>(subject.size(), 60);
  const auto splits_character = [&] { return (static_cast<unsigned char>(subject[length]) & 0xc0) == 0x80; };
  while (length > 0 && length < subject.size() && splits_character()) --length;
  return subject.substr(0, length);
}

}  // namespace

void describe(hal::TextSink& sink, const Error& error) {
  const auto found = std::ranges::find(messages, error.kind, &Message::kind);
  std::string_view text = found == std::end(messages) ? "damaged" : found->text;
  const std::string_view subject = glimpse(error.subject);
  while (!text.empty()) {
    const size_t mark = text.find_first_of("%#");
    sink.put(text.substr(0, mark));
    if (mark == std::string_view::npos) return;
    if (text[mark] == '%') sink.put(subject);
    if (text[mark] == '#') hal::format(sink, "{}", error.earlier.line);
    text.remove_prefix(mark + 1);
  }
}

}  // namespace config::toml
