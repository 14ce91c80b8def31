// SPDX-License-Identifier: Apache-2.0
// Random documents, judged by our parser and by toml++.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#define TOML_EXCEPTIONS         0
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "toml_text.hpp"

namespace {

using config::toml::Kind;
using config::toml::Node;

// ------------------------------------------------------------------------------------------------- the same document?

bool same(const Node& ours, const toml::node& theirs);

bool same_table(const Node& ours, const toml::table& theirs) {
  if (ours.size() != theirs.size()) return false;
  for (const Node& member : ours) {
    const toml::node* const other = theirs.get(member.key());
    if (other == nullptr || !same(member, *other)) return false;
  }
  return true;
}

bool same_array(const Node& ours, const toml::array& theirs) {
  if (ours.size() != theirs.size()) return false;
  size_t index = 0;
  for (const Node& element : ours) {
    if (!same(element, theirs[index++])) return false;
  }
  return true;
}

bool same(const Node& ours, const toml::node& theirs) {
  switch (ours.kind()) {
    case Kind::string: return theirs.is_string() && theirs.as_string()->get() == ours.text();
    case Kind::integer: return theirs.is_integer() && theirs.as_integer()->get() == ours.integer();
    case Kind::boolean: return theirs.is_boolean() && theirs.as_boolean()->get() == ours.boolean();
    case Kind::floating: return theirs.is_floating_point();
    case Kind::local_date: return theirs.is_date();
    case Kind::local_time: return theirs.is_time();
    case Kind::local_date_time: return theirs.is_date_time() && !theirs.as_date_time()->get().offset;
    case Kind::offset_date_time: return theirs.is_date_time() && theirs.as_date_time()->get().offset;
    case Kind::array: return theirs.is_array() && same_array(ours, *theirs.as_array());
    case Kind::table: return theirs.is_table() && same_table(ours, *theirs.as_table());
  }
  return false;
}

// ------------------------------------------------------------------------------------------------ random documents

using Words = std::vector<std::string>;

const Words& headers() {
  static const Words words{"[a]",     "[b]",   "[a.b]",   "[a.b.c]",     "[b.c]",     "[c]",      "[[a]]",
                           "[[a.b]]", "[[b]]", "[[a.c]]", "['a'.\"c\"]", "[ a . b ]", "[a.b.c.d]"};
  return words;
}
const Words& keys() {
  static const Words words{"a",   "b",   "c",     "a.b",   "b.a",   "a.b.c", "a.c",
                           "b.c", "c.a", "c.b.a", "\"a\"", "'b'.c", "b.c.d"};
  return words;
}
const Words& values() {
  static const Words words{"1",          "{}",           "{a=1}",         "{b.c=1}",         "[]",
                           "[{a=1}]",    "{a={},a.b=1}", "{a.b=1,a.c=2}", "{a={b=1},c=[1]}", "\"x\"",
                           "1979-05-27", "[[1],[{b=2}]]"};
  return words;
}
// Pieces that scalars and their mistakes are made of.
const Words& pieces() {
  static const Words words{"0",  "1",          "9",        "01",      "_",  "+",        "-",   ".",      "e",    "E",
                           "e5", "0x",         "0o",       "0b",      "F",  "7",        "inf", "nan",    "true", "\"",
                           "'",  "\\n",        "\\",       "\\u00e9", ",",  "[",        "]",   "{",      "}",    "a=1",
                           "\n", "\r\n",       "#",        " ",       "\t", "'''",      "x",   "\"\"\"", ":",    "T",
                           "Z",  "1979-05-27", "07:32:00", "+01:00",  ".5", "\xc3\xa9", "\x7f"};
  return words;
}
const Words& whole_documents() {
  static const Words words{"a = 1\n[b]\nc = \"x\"\n[b.d]\ne = [1, 2, 3]\n",
                           "a.b.c = 1\na.d = 2\n[x.y]\nz = 1.5e3\n[x]\nq = 0x1f\n",
                           "[[p]]\nname = \"h\"\n[[p.q]]\nr = 1\n[[p]]\n[p.s]\nt = {u = 1, v.w = 2}\n",
                           "s = \"\"\"\nab\\\n   cd\"\"\"\nt = '''x'''\nu = 'lit'\n",
                           "d = 1979-05-27T07:32:00.999-07:00\ne = [1979-05-27, 07:32:00]\nf = -1_000\n"};
  return words;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string document() {
    switch (random_() % 4) {
      case 0: return structure();
      case 1: return "a = " + chain(1 + random_() % 4) + (random_() % 2 ? "\n" : "");
      case 2: return chain(1 + random_() % 9);
      default: return damaged();
    }
  }

 private:
  const std::string& pick(const Words& words) { return words[random_() % words.size()]; }
  std::string structure() {
    std::string text;
    for (size_t lines = 1 + random_() % 6; lines > 0; --lines) {
      text += random_() % 5 < 2 ? pick(headers()) : pick(keys()) + " = " + pick(values());
      text += '\n';
    }
    return text;
  }
  std::string chain(size_t length) {
    std::string text;
    for (; length > 0; --length) text += pick(pieces());
    return text;
  }
  std::string damaged() {
    std::string text = pick(whole_documents());
    for (size_t hits = 1 + random_() % 3; hits > 0; --hits) {
      const size_t at = random_() % (text.size() + 1);
      switch (random_() % 3) {
        case 0: text.insert(at, pick(pieces())); break;
        case 1: text.erase(at, 1 + random_() % 4); break;
        default: text.insert(at, text.substr(random_() % text.size(), random_() % 10)); break;
      }
      if (text.empty()) text = "x";
    }
    return text;
  }

  std::mt19937 random_;
};

// A leap second, which RFC 3339 has and toml++ has not.
bool is_disputed(const std::string& document) { return document.contains(":60"); }

TEST(TomlOracle, agrees_with_us_about_random_documents) {
  Generator generator(1979);
  size_t accepted = 0;
  size_t differences = 0;
  for (int round = 0; round < 20000 && differences < 10; ++round) {
    const std::string document = generator.document();
    if (is_disputed(document)) continue;
    const TomlText ours(document);
    const toml::parse_result theirs = toml::parse(document);
    accepted += ours.ok();
    if (ours.ok() != theirs.succeeded()) {
      ++differences;
      ADD_FAILURE() << "---\n"
                    << document << "\n--- ours: " << (ours.ok() ? dump(ours.root()) : ours.message())
                    << "\n--- toml++: " << (theirs ? "accepted" : theirs.error().description());
    } else if (ours.ok() && !same_table(ours.root(), theirs.table())) {
      ++differences;
      ADD_FAILURE() << "---\n" << document << "\n--- ours: " << dump(ours.root());
    }
  }
  EXPECT_GT(accepted, 2000U);
}

}  // namespace
