// SPDX-License-Identifier: Apache-2.0
// TOML 1.0.0, section by section.
#include "config/toml.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <string>

#include "tests/unit/growth.hpp"
#include "toml_text.hpp"

namespace {

using config::Position;
using config::toml::ErrorKind;
using config::toml::Kind;
using namespace std::string_view_literals;

struct Good {
  std::string_view document;
  std::string_view value;
};
struct Bad {
  std::string_view document;
  ErrorKind kind;
  Position position;
};

template <size_t Count>
void expect(const Good (&cases)[Count]) {
  for (const Good& good : cases) {
    const TomlText toml(good.document);
    if (toml.ok()) {
      EXPECT_EQ(dump(toml.root()), good.value) << good.document;
    } else {
      ADD_FAILURE() << good.document << "\n" << toml.message();
    }
  }
}

template <size_t Count>
void expect(const Bad (&cases)[Count]) {
  for (const Bad& bad : cases) {
    const TomlText toml(bad.document);
    if (toml.ok()) {
      ADD_FAILURE() << "accepted: " << bad.document;
      continue;
    }
    EXPECT_EQ(toml.error().kind, bad.kind) << bad.document << "\n" << toml.message();
    EXPECT_EQ(toml.error().position.line, bad.position.line) << bad.document;
    EXPECT_EQ(toml.error().position.column, bad.position.column) << bad.document;
    EXPECT_FALSE(toml.message().empty());
  }
}

TEST(Toml, accepts_documents_that_say_nothing) {
  expect((const Good[]){{"", "{}"},
                        {"\n\r\n \t\n", "{}"},
                        {"# only a comment", "{}"},
                        {"\xef\xbb\xbf# behind a byte-order mark\na = 1", "{a=1}"},
                        {"# tab \t and caf\xc3\xa9\na = 1 # end", "{a=1}"}});
}

TEST(Toml, refuses_what_no_document_may_contain) {
  expect((const Bad[]){{"a = \"\xff\"", ErrorKind::invalid_utf8, {1, 6}},
                       {"# \xc3", ErrorKind::invalid_utf8, {1, 3}},
                       {"\xc0\x80", ErrorKind::invalid_utf8, {1, 1}},
                       {"a = 1 # \xed\xa0\x80", ErrorKind::invalid_utf8, {1, 9}},
                       {"# \xf4\x90\x80\x80", ErrorKind::invalid_utf8, {1, 3}},
                       {"# \xe0\x9f\xbf", ErrorKind::invalid_utf8, {1, 3}},
                       {"a = 1\0"sv, ErrorKind::control_character, {1, 6}},
                       {"# \x01", ErrorKind::control_character, {1, 3}},
                       {"# \x7f", ErrorKind::control_character, {1, 3}},
                       {"# comment\rnext", ErrorKind::bare_carriage_return, {1, 10}},
                       {"a = 1\r", ErrorKind::bare_carriage_return, {1, 6}},
                       {"a = \"\x02\"", ErrorKind::control_character, {1, 6}},
                       {"a = '\x7f'", ErrorKind::control_character, {1, 6}},
                       {"a = \"\"\"x\ry\"\"\"", ErrorKind::bare_carriage_return, {1, 9}},
                       {"\xef\xbb\xbf\xef\xbb\xbf", ErrorKind::expected_key, {1, 2}},
                       {"\xff\xfe"
                        "a",
                        ErrorKind::invalid_utf8,
                        {1, 1}}});
}

TEST(Toml, reads_keys_of_all_kinds) {
  expect((const Good[]){{"bare_key-1 = 1", "{bare_key-1=1}"},
                        {"1234 = 1", "{1234=1}"},
                        {"\"quoted \\u00e9 key\" = 1", "{quoted \xc3\xa9 key=1}"},
                        {"'literal \\n' = 1", "{literal \\n=1}"},
                        {"\"\" = 1", "{=1}"},
                        {"'' = 1", "{=1}"},
                        {"a.b.c = 1\na.b.d = 2", "{a={b={c=1,d=2}}}"},
                        {"a . \"b.c\" . 'd' = 1", "{a={b.c={d=1}}}"},
                        {"3.14159 = 1", "{3={14159=1}}"},
                        {"a\t= 1", "{a=1}"},
                        {"b.x = 1\na = 2\nb.y = 3", "{b={x=1,y=3},a=2}"}});
  expect((const Bad[]){{"= 1", ErrorKind::expected_key, {1, 1}},
                       {"a. = 1", ErrorKind::expected_key, {1, 4}},
                       {".a = 1", ErrorKind::expected_key, {1, 1}},
                       {"a..b = 1", ErrorKind::expected_key, {1, 3}},
                       {"a", ErrorKind::expected_equals, {1, 2}},
                       {"a b = 1", ErrorKind::expected_equals, {1, 3}},
                       {"a\n= 1", ErrorKind::expected_equals, {1, 2}},
                       {"\xc3\xa9 = 1", ErrorKind::expected_key, {1, 1}},
                       {"a! = 1", ErrorKind::expected_equals, {1, 2}},
                       {"\"\"\"a\"\"\" = 1", ErrorKind::multiline_key, {1, 1}},
                       {"'''a''' = 1", ErrorKind::multiline_key, {1, 1}},
                       {"\"a\nb\" = 1", ErrorKind::line_break_in_string, {1, 3}},
                       {"a = 1\na = 2", ErrorKind::duplicate_key, {2, 1}},
                       {"a = 1\n\"\\u0061\" = 2", ErrorKind::duplicate_key, {2, 1}},
                       {"a.b = 1\na = 2", ErrorKind::duplicate_key, {2, 1}},
                       {"a = 1\na.b = 2", ErrorKind::not_a_table, {2, 1}},
                       {"a.b.c = 1\na.b.c.d = 2", ErrorKind::not_a_table, {2, 5}}});
}

TEST(Toml, wants_one_key_and_value_per_line) {
  expect((const Bad[]){{"a = 1 b = 2", ErrorKind::expected_line_end, {1, 7}},
                       {"a = \"x\" \"y\"", ErrorKind::expected_line_end, {1, 9}},
                       {"a =", ErrorKind::expected_value, {1, 4}},
                       {"a = # nothing", ErrorKind::expected_value, {1, 5}},
                       {"a = ]", ErrorKind::expected_value, {1, 5}},
                       {"a = word", ErrorKind::unquoted_text, {1, 5}},
                       {"a = True", ErrorKind::unquoted_text, {1, 5}},
                       {"a = truer", ErrorKind::unquoted_text, {1, 5}},
                       {"[a] b = 1", ErrorKind::expected_line_end, {1, 5}}});
}

TEST(Toml, reads_basic_strings) {
  expect((const Good[]){{R"(a = "")", R"({a=""})"},
                        {R"(a = "\b\t\n\f\r\"\\")", "{a=\"\b\t\n\f\r\"\\\"}"},
                        {R"(a = "\u00E9\u20ac\U0001F600")", "{a=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"},
                        {R"(a = "\u0000")", "{a=\"\0\"}"sv},
                        {"a = \"tab\tinside # no comment\"", "{a=\"tab\tinside # no comment\"}"},
                        {R"(a = "\uD7FF\uE000\U0010FFFF")", "{a=\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"}"}});
  expect((const Bad[]){{R"(a = "open)", ErrorKind::unclosed_string, {1, 5}},
                       {"a = \"open\n\"", ErrorKind::line_break_in_string, {1, 10}},
                       {R"(a = "\x41")", ErrorKind::bad_escape, {1, 6}},
                       {R"(a = "\e")", ErrorKind::bad_escape, {1, 6}},
                       {"a = \"\\\xc3\xa9\"", ErrorKind::bad_escape, {1, 6}},
                       {R"(a = "\u12")", ErrorKind::bad_escape, {1, 6}},
                       {R"(a = "\u12G4")", ErrorKind::bad_escape, {1, 6}},
                       {R"(a = "\U0011FFFF")", ErrorKind::bad_code_point, {1, 6}},
                       {R"(a = "\ud800")", ErrorKind::bad_code_point, {1, 6}},
                       {R"(a = "\)", ErrorKind::bad_escape, {1, 6}},
                       {"a = \"\\\nb\"", ErrorKind::bad_escape, {1, 6}}});
}

TEST(Toml, reads_multiline_basic_strings) {
  expect((const Good[]){{"a = \"\"\"\"\"\"", R"({a=""})"},
                        {"a = \"\"\"\nfirst\n second\"\"\"", "{a=\"first\n second\"}"},
                        {"a = \"\"\"\r\nfirst\r\nsecond\"\"\"", "{a=\"first\nsecond\"}"},
                        {"a = \"\"\"x\\\n   \n\t y\"\"\"", "{a=\"xy\"}"},
                        {"a = \"\"\"x\\  \t\r\n   y \\n\"\"\"", "{a=\"xy \n\"}"},
                        {"a = \"\"\"\\\n  \"\"\"", R"({a=""})"},
                        {R"(a = """one " two "" and \""" three""")", R"({a="one " two "" and """ three"})"},
                        {R"(a = """"quoted"""")", R"({a=""quoted""})"},
                        {R"(a = """""quoted""""")", R"({a="""quoted"""})"}});
  expect((const Bad[]){{"a = \"\"\"open", ErrorKind::unclosed_string, {1, 5}},
                       {"a = \"\"\"open\n\"\"", ErrorKind::unclosed_string, {1, 5}},
                       {R"(a = """x \ y""")", ErrorKind::bad_escape, {1, 10}},
                       {R"(a = """x"""""")", ErrorKind::expected_line_end, {1, 14}}});
}

TEST(Toml, reads_literal_strings) {
  expect((const Good[]){{"a = ''", R"({a=""})"},
                        {R"(a = 'C:\new\u0041"')", R"({a="C:\new\u0041""})"},
                        {"a = '''\n\\ ' '' \r\nx'''", "{a=\"\\ ' '' \nx\"}"},
                        {"a = ''''quoted''''", R"({a="'quoted'"})"},
                        {"a = '''''two'''''", R"({a="''two''"})"}});
  expect((const Bad[]){{"a = 'open", ErrorKind::unclosed_string, {1, 5}},
                       {"a = 'x\n'", ErrorKind::line_break_in_string, {1, 7}},
                       {"a = '''x", ErrorKind::unclosed_string, {1, 5}},
                       {"a = '''x''''''", ErrorKind::expected_line_end, {1, 14}},
                       {"a = 'it's'", ErrorKind::expected_line_end, {1, 9}}});
}

TEST(Toml, reads_integers) {
  expect((const Good[]){{"a = +99", "{a=99}"},
                        {"a = 0\nb = +0\nc = -0", "{a=0,b=0,c=0}"},
                        {"a = -17", "{a=-17}"},
                        {"a = 5_349_221", "{a=5349221}"},
                        {"a = 1_2_3", "{a=123}"},
                        {"a = 0xDEADBEEF\nb = 0xdead_beef\nc = 0x0", "{a=3735928559,b=3735928559,c=0}"},
                        {"a = 0o01234567\nb = 0b1101_0110", "{a=342391,b=214}"},
                        {"a = 9223372036854775807", "{a=9223372036854775807}"},
                        {"a = -9223372036854775808", "{a=-9223372036854775808}"},
                        {"a = 0x7fff_ffff_ffff_ffff", "{a=9223372036854775807}"}});
  expect((const Bad[]){{"a = 01", ErrorKind::leading_zero, {1, 5}},
                       {"a = -012", ErrorKind::leading_zero, {1, 5}},
                       {"a = 0_1", ErrorKind::leading_zero, {1, 5}},
                       {"a = 1__2", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = _1", ErrorKind::unquoted_text, {1, 5}},
                       {"a = 1_", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = 0x_1", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = +0x1", ErrorKind::signed_prefix, {1, 5}},
                       {"a = 0X1", ErrorKind::bad_number, {1, 5}},
                       {"a = 0x", ErrorKind::bad_number, {1, 5}},
                       {"a = 0o8", ErrorKind::bad_number, {1, 5}},
                       {"a = 0b2", ErrorKind::bad_number, {1, 5}},
                       {"a = 0xg", ErrorKind::bad_number, {1, 5}},
                       {"a = 1a", ErrorKind::bad_number, {1, 5}},
                       {"a = +", ErrorKind::bad_number, {1, 5}},
                       {"a = ++1", ErrorKind::bad_number, {1, 5}},
                       {"a = 9223372036854775808", ErrorKind::integer_out_of_range, {1, 5}},
                       {"a = -9223372036854775809", ErrorKind::integer_out_of_range, {1, 5}},
                       {"a = 0x8000000000000000", ErrorKind::integer_out_of_range, {1, 5}},
                       {"a = 99999999999999999999999", ErrorKind::integer_out_of_range, {1, 5}}});
}

TEST(Toml, reads_floats) {
  expect((const Good[]){{"a = +1.0\nb = -0.01", "{a=+1.0f,b=-0.01f}"},
                        {"a = 5e+22\nb = 1E06\nc = -2e-2", "{a=5e+22f,b=1E06f,c=-2e-2f}"},
                        {"a = 6.626e-34", "{a=6.626e-34f}"},
                        {"a = 224_617.445_991_228", "{a=224_617.445_991_228f}"},
                        {"a = inf\nb = +inf\nc = -inf", "{a=inff,b=+inff,c=-inff}"},
                        {"a = nan\nb = -nan", "{a=nanf,b=-nanf}"},
                        {"a = 0.0\nb = 0e0", "{a=0.0f,b=0e0f}"}});
  expect((const Bad[]){{"a = .7", ErrorKind::bad_number, {1, 5}},
                       {"a = 7.", ErrorKind::bad_number, {1, 5}},
                       {"a = 3.e+20", ErrorKind::bad_number, {1, 5}},
                       {"a = 1e", ErrorKind::bad_number, {1, 5}},
                       {"a = 1e+", ErrorKind::bad_number, {1, 5}},
                       {"a = 1.5.2", ErrorKind::bad_number, {1, 5}},
                       {"a = 1e1.5", ErrorKind::bad_number, {1, 5}},
                       {"a = 00.5", ErrorKind::leading_zero, {1, 5}},
                       {"a = 1_.5", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = 1._5", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = 1e_5", ErrorKind::misplaced_underscore, {1, 5}},
                       {"a = Inf", ErrorKind::unquoted_text, {1, 5}},
                       {"a = +NaN", ErrorKind::bad_number, {1, 5}}});
}

TEST(Toml, reads_dates_and_times) {
  expect((const Good[]){{"a = 1979-05-27T07:32:00Z", "{a=1979-05-27T07:32:00Zodt}"},
                        {"a = 1979-05-27t00:32:00.999999-07:00", "{a=1979-05-27t00:32:00.999999-07:00odt}"},
                        {"a = 1979-05-27 07:32:00z", "{a=1979-05-27 07:32:00zodt}"},
                        {"a = 1979-05-27T07:32:00", "{a=1979-05-27T07:32:00ldt}"},
                        {"a = 1979-05-27 07:32:00.5", "{a=1979-05-27 07:32:00.5ldt}"},
                        {"a = 1979-05-27", "{a=1979-05-27d}"},
                        {"a = 1979-05-27 # comment", "{a=1979-05-27d}"},
                        {"a = 07:32:00\nb = 00:32:00.999999", "{a=07:32:00t,b=00:32:00.999999t}"},
                        {"a = 2000-02-29\nb = 2024-02-29", "{a=2000-02-29d,b=2024-02-29d}"},
                        {"a = 1990-12-31T23:59:60Z", "{a=1990-12-31T23:59:60Zodt}"},
                        {"a = [1979-05-27,07:32:00]", "{a=[1979-05-27d,07:32:00t]}"}});
  expect((const Bad[]){{"a = 1979-5-27", ErrorKind::bad_date, {1, 5}},
                       {"a = 1979-13-01", ErrorKind::bad_date, {1, 5}},
                       {"a = 1979-00-01", ErrorKind::bad_date, {1, 5}},
                       {"a = 1979-04-31", ErrorKind::bad_date, {1, 5}},
                       {"a = 1979-04-00", ErrorKind::bad_date, {1, 5}},
                       {"a = 1900-02-29", ErrorKind::bad_date, {1, 5}},
                       {"a = 2023-02-29", ErrorKind::bad_date, {1, 5}},
                       {"a = 10000-01-01", ErrorKind::bad_number, {1, 5}},
                       {"a = 1979-05-27T", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27T07:32", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27T24:00:00", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27T00:60:00", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27T00:00:61", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27 07:32:00.", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27x07:32:00", ErrorKind::bad_time, {1, 5}},
                       {"a = 07:32", ErrorKind::bad_time, {1, 5}},
                       {"a = 7:32:00", ErrorKind::bad_number, {1, 5}},
                       {"a = 25:00:00", ErrorKind::bad_time, {1, 5}},
                       {"a = 07:32:00Z", ErrorKind::bad_time, {1, 5}},
                       {"a = 1979-05-27T07:32:00+24:00", ErrorKind::bad_offset, {1, 5}},
                       {"a = 1979-05-27T07:32:00+01:60", ErrorKind::bad_offset, {1, 5}},
                       {"a = 1979-05-27T07:32:00+01", ErrorKind::bad_offset, {1, 5}},
                       {"a = 1979-05-27T07:32:00ZZ", ErrorKind::bad_offset, {1, 5}},
                       {"a = 1979-05-27  07:32:00", ErrorKind::expected_line_end, {1, 17}}});
}

TEST(Toml, reads_arrays) {
  expect((const Good[]){{"a = []", "{a=[]}"},
                        {"a = [1, \"x\", 1.5, [true], {b = 2}]", "{a=[1,\"x\",1.5f,[true],{b=2}]}"},
                        {"a = [\n 1, # one\n\n 2\n , # two\n]", "{a=[1,2]}"},
                        {"a = [[[]], [1,],]", "{a=[[[]],[1]]}"},
                        {"a = [ # nothing\r\n]", "{a=[]}"}});
  expect((const Bad[]){{"a = [1 2]", ErrorKind::expected_array_separator, {1, 8}},
                       {"a = [,]", ErrorKind::expected_value, {1, 6}},
                       {"a = [1,,2]", ErrorKind::expected_value, {1, 8}},
                       {"a = [1", ErrorKind::unclosed_array, {1, 5}},
                       {"a = [1,\n", ErrorKind::unclosed_array, {1, 5}},
                       {"a = [[1]", ErrorKind::unclosed_array, {1, 5}},
                       {"a = [1}", ErrorKind::expected_array_separator, {1, 7}},
                       {"a = [1]]", ErrorKind::expected_line_end, {1, 8}},
                       {"a = [\n1\rb]", ErrorKind::expected_array_separator, {2, 2}}});
}

TEST(Toml, reads_inline_tables) {
  expect((const Good[]){{"a = {}", "{a={}}"},
                        {"a = { b = 1, c.d = 2, c.e = 3 }", "{a={b=1,c={d=2,e=3}}}"},
                        {"a = {b = [\n1,\n2], c = \"\"\"\nx\ny\"\"\"}", "{a={b=[1,2],c=\"x\ny\"}}"},
                        {"a.b = {c = {d = {}}}", "{a={b={c={d={}}}}}"}});
  expect((const Bad[]){{"a = {b = 1,}", ErrorKind::trailing_comma_in_inline_table, {1, 12}},
                       {"a = {,}", ErrorKind::expected_key, {1, 6}},
                       {"a = {b = 1 c = 2}", ErrorKind::expected_inline_separator, {1, 12}},
                       {"a = {b = 1\n}", ErrorKind::line_break_in_inline_table, {1, 11}},
                       {"a = {\nb = 1}", ErrorKind::line_break_in_inline_table, {1, 6}},
                       {"a = {b = 1, # c\n}", ErrorKind::line_break_in_inline_table, {1, 13}},
                       {"a = {b = 1", ErrorKind::unclosed_inline_table, {1, 5}},
                       {"a = {b}", ErrorKind::expected_equals, {1, 7}},
                       {"a = {b = 1, b = 2}", ErrorKind::duplicate_key, {1, 13}},
                       {"a = {b = 1, b.c = 2}", ErrorKind::not_a_table, {1, 13}},
                       {"a = {b = {}, b.c = 2}", ErrorKind::inline_table_is_closed, {1, 14}},
                       {"a = {b.c = 1, b = 2}", ErrorKind::duplicate_key, {1, 15}},
                       {"a = {}\na.b = 1", ErrorKind::inline_table_is_closed, {2, 1}},
                       {"a = {}\n[a.b]", ErrorKind::inline_table_is_closed, {2, 2}},
                       {"a = {b.c = 1}\n[a.b.d]", ErrorKind::inline_table_is_closed, {2, 2}},
                       {"a = {}\n[a]", ErrorKind::duplicate_table, {2, 2}}});
}

TEST(Toml, reads_tables) {
  expect((const Good[]){{"[a]\nx = 1\n[b]\nx = 2", "{a={x=1},b={x=2}}"},
                        {"[a.\"b.c\".'d']\nx = 1", "{a={b.c={d={x=1}}}}"},
                        {"[ a . b ]\n", "{a={b={}}}"},
                        {"[a.b]\nx = 1\n[a]\ny = 2", "{a={b={x=1},y=2}}"},
                        {"[a]\nb.c = 1\n[a.b.d]\ne = 2", "{a={b={c=1,d={e=2}}}}"},
                        {"[a]\n[a.b]\n[a.c]", "{a={b={},c={}}}"},
                        {"[\"\"]\nx = 1", "{={x=1}}"},
                        {"x = 1\n[x.y]"sv.substr(0, 5), "{x=1}"},
                        {"[a.b.c]\n[a]\nb.x = 1", "{a={b={c={},x=1}}}"}});
  expect((const Bad[]){{"[a]\n[a]", ErrorKind::duplicate_table, {2, 2}},
                       {"[a]\nb = 1\n[a.b]", ErrorKind::duplicate_key, {3, 4}},
                       {"[a]\nb = 1\n[a.b.c]", ErrorKind::not_a_table, {3, 4}},
                       {"[a]\nb.c = 1\n[a.b]", ErrorKind::duplicate_table, {3, 4}},
                       {"a.b = 1\n[a]", ErrorKind::duplicate_table, {2, 2}},
                       {"[a.b]\n[a]\nb.c = 1", ErrorKind::dotted_into_table, {3, 1}},
                       {"[a.b.c.d]\n[a]\nb.c.d.e = 1", ErrorKind::dotted_into_table, {3, 5}},
                       {"[a.b.c]\n[a]\nb.x = 1\n[a.b]", ErrorKind::duplicate_table, {4, 4}},
                       {"[]", ErrorKind::expected_key, {1, 2}},
                       {"[a.]", ErrorKind::expected_key, {1, 4}},
                       {"[a..b]", ErrorKind::expected_key, {1, 4}},
                       {"[a", ErrorKind::unclosed_header, {1, 3}},
                       {"[a b]", ErrorKind::unclosed_header, {1, 4}},
                       {"[a\n]", ErrorKind::unclosed_header, {1, 3}},
                       {"[a]]", ErrorKind::expected_line_end, {1, 4}},
                       {"[a]\nx = 1\n[a]\nx = 2", ErrorKind::duplicate_table, {3, 2}}});
}

TEST(Toml, reads_arrays_of_tables) {
  expect((const Good[]){{"[[a]]\nx = 1\n[[a]]\n[[a]]\nx = 3", "{a=[{x=1},{},{x=3}]}"},
                        {"[[a]]\n[a.b]\nx = 1\n[[a.c]]\ny = 2\n[[a]]\n[[a.c]]", "{a=[{b={x=1},c=[{y=2}]},{c=[{}]}]}"},
                        {"[a]\n[[a.b]]\nx = 1", "{a={b=[{x=1}]}}"},
                        {"[[a.b]]\n[a]\nx = 1", "{a={b=[{}],x=1}}"},
                        {"[[ a . b ]]", "{a={b=[{}]}}"}});
  expect((const Bad[]){{"a = []\n[[a]]", ErrorKind::array_is_closed, {2, 3}},
                       {"a = [{}]\n[a.b]", ErrorKind::array_is_closed, {2, 2}},
                       {"[a]\n[[a]]", ErrorKind::not_a_table_array, {2, 3}},
                       {"[a.b]\n[[a]]", ErrorKind::not_a_table_array, {2, 3}},
                       {"[[a]]\n[a]", ErrorKind::duplicate_key, {2, 2}},
                       {"[[a]]\n[[a.b]]\n[a.b]", ErrorKind::duplicate_key, {3, 4}},
                       {"[[a]]\n[a.b]\n[[a.b]]", ErrorKind::not_a_table_array, {3, 5}},
                       {"[[a.b]]\n[a]\nb.c = 1", ErrorKind::array_is_closed, {3, 1}},
                       {"a = 1\n[[a]]", ErrorKind::not_a_table_array, {2, 3}},
                       {"[[a]", ErrorKind::unclosed_header, {1, 4}},
                       {"[[a] ]", ErrorKind::unclosed_header, {1, 4}},
                       {"[ [a]]", ErrorKind::expected_key, {1, 3}},
                       {"[[]]", ErrorKind::expected_key, {1, 3}}});
}

TEST(Toml, counts_columns_in_code_points) {
  const TomlText toml("a = \"\xc3\xa9\xe2\x82\xac\" x");
  ASSERT_FALSE(toml.ok());
  EXPECT_EQ(toml.error().position, (Position{1, 10}));
}

TEST(Toml, knows_where_every_value_and_key_stands) {
  const TomlText toml("a = 1\n[t]\n  key = [10,\n    20]\n[[u]]\n[[u]]\nv.w = true\n");
  ASSERT_TRUE(toml.ok());
  const auto& t = *toml.root().find("t");
  EXPECT_EQ(t.position(), (Position{2, 2}));
  const auto& key = *t.find("key");
  EXPECT_EQ(key.key_position(), (Position{3, 3}));
  EXPECT_EQ(key.position(), (Position{3, 9}));
  EXPECT_EQ((++key.begin())->position(), (Position{4, 5}));
  EXPECT_EQ((++toml.root().find("u")->begin())->position(), (Position{6, 3}));
  EXPECT_EQ(toml.root().find("u")->find("v"), nullptr);
}

TEST(Toml, keeps_every_value_as_it_is_spelled) {
  const TomlText toml("a = [1, # x\n 0x2]\nb = {c = \"\\n\"} # d\n[e]\nf.g = '''h'''");
  ASSERT_TRUE(toml.ok());
  EXPECT_EQ(toml.root().find("a")->source(), "[1, # x\n 0x2]");
  EXPECT_EQ(toml.root().find("b")->source(), "{c = \"\\n\"}");
  EXPECT_EQ(toml.root().find("b")->find("c")->source(), "\"\\n\"");
  EXPECT_EQ(toml.root().find("e")->source(), "");
  EXPECT_EQ(toml.root().find("e")->find("f")->find("g")->source(), "'''h'''");
}

TEST(Toml, points_at_the_first_definition_too) {
  const TomlText toml("\n\nname = 1\nname = 2");
  EXPECT_EQ(toml.error().earlier.line, 3U);
  EXPECT_EQ(toml.message(), "the key `name` is defined already, in line 3");
}

TEST(Toml, limits_nesting_without_using_the_stack) {
  const auto nested = [](size_t depth) { return "a = " + std::string(depth, '[') + std::string(depth, ']') + "\n"; };
  EXPECT_TRUE(TomlText(nested(config::toml::max_nesting)).ok());
  EXPECT_EQ(TomlText(nested(config::toml::max_nesting + 1)).error().kind, ErrorKind::too_deep);
  EXPECT_EQ(TomlText(nested(1'000'000)).error().kind, ErrorKind::too_deep);
}

TEST(Toml, finds_each_of_many_keys_and_none_besides) {
  std::mt19937 random(1);
  std::map<std::string, int> keys{{"", 0}, {"a", 1}, {"ab", 2}, {"abc", 3}, {std::string("a\0", 2), 4}};
  // Short and of few letters, so that many are the beginning of others.
  while (keys.size() < 2'000) {
    std::string key(random() % 8, 'a');
    for (char& c : key) c = "ab\x7f\0c"[random() % 5];
    keys.emplace(key, static_cast<int>(keys.size()));
  }
  std::string document;
  for (const auto& [key, value] : keys) {
    document += '"';
    for (const char c : key) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      document += escape;
    }
    document += "\" = " + std::to_string(value) + "\n";
  }
  const TomlText toml(document, 1024 * 1024);
  ASSERT_TRUE(toml.ok()) << toml.message();
  for (const auto& [key, value] : keys) {
    const config::toml::Node* const found = toml.root().find(key);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->integer(), value);
    if (!keys.contains(key + "b")) {
      EXPECT_EQ(toml.root().find(key + "b"), nullptr);
    }
  }
  EXPECT_EQ(TomlText(document + "abc = 1", 1024 * 1024).error().kind, ErrorKind::duplicate_key);
}

TEST(Toml, takes_time_in_proportion_to_its_size) {
  const auto repeated = [](size_t count, auto line) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += line(std::to_string(i));
    return [text] { ASSERT_TRUE(TomlText(text, text.size() * sizeof(config::toml::Node)).ok()); };
  };
  EXPECT_TRUE(growth::is_linear(3'000, [&](size_t count) {
    return repeated(count, [](const std::string& i) { return "key" + i + " = 1\n"; });
  }));
  EXPECT_TRUE(growth::is_linear(2'000, [&](size_t count) {
    return repeated(count, [](const std::string& i) { return "[a.t" + i + "]\nb.c = 1\n[[d]]\n"; });
  }));
}

TEST(Toml, stays_inside_its_arena) {
  const std::string_view document = "a = \"x\\n\"\n[b]\nc = [1, 2, {d = '''\r\ny\r\n'''}]\n";
  const size_t enough = TomlText(document).arena_used();
  bool worked = false;
  for (size_t size = 0; size <= enough + 16; ++size) {
    const TomlText toml(document, size);
    worked = toml.ok();
    if (!worked) {
      ASSERT_EQ(toml.error().kind, ErrorKind::out_of_memory) << size;
    }
  }
  EXPECT_TRUE(worked);
}

TEST(Toml, does_not_show_more_of_a_file_than_a_glimpse) {
  const TomlText toml("a = " + std::string(5000, 'x'));
  EXPECT_LT(toml.message().size(), 250U);
}

}  // namespace
