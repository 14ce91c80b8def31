// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "config/toml.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/files.hpp"
#include "tools/host/quote.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {
namespace {

using config::toml::Kind;
using config::toml::Node;

// The shortest text that reads back as the same number.
std::string float_text(std::string_view source) {
  std::string digits;
  for (const char c : source) {
    if (c != '_') digits += c;
  }
  const double value = std::strtod(digits.c_str(), nullptr);
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end};
}

// RFC 3339 with its capital letters, whatever the document uses.
std::string date_text(std::string_view source) {
  std::string text(source);
  for (char& c : text) {
    if (c == ' ' || c == 't') c = 'T';
    if (c == 'z') c = 'Z';
  }
  return text;
}

std::string tagged(std::string_view type, std::string_view value) {
  return "{\"type\": \"" + std::string(type) + "\", \"value\": " + quote(value) + "}";
}

std::string json(const Node& node) {
  switch (node.kind()) {
    case Kind::string: return tagged("string", node.text());
    case Kind::integer: return tagged("integer", std::to_string(node.integer()));
    case Kind::floating: return tagged("float", float_text(node.text()));
    case Kind::boolean: return tagged("bool", node.boolean() ? "true" : "false");
    case Kind::offset_date_time: return tagged("datetime", date_text(node.text()));
    case Kind::local_date_time: return tagged("datetime-local", date_text(node.text()));
    case Kind::local_date: return tagged("date-local", node.text());
    case Kind::local_time: return tagged("time-local", node.text());
    case Kind::array:
    case Kind::table: break;
  }
  const bool is_table = node.is(Kind::table);
  std::string out(1, is_table ? '{' : '[');
  for (const Node& member : node) {
    if (out.size() > 1) out += ", ";
    if (is_table) out += quote(member.key()) + ": ";
    out += json(member);
  }
  return out + (is_table ? '}' : ']');
}

}  // namespace

int toml_decode() {
  const auto text = read_stdin();
  if (!text) return bad_file;
  const TomlMemory memory(*text);
  const auto document = config::toml::parse(*text, memory.arena());
  if (!document.ok()) {
    const config::toml::Error& error = document.error();
    char message[512];
    hal::BufferSink sink(message);
    describe(sink, error);
    std::fprintf(stderr, "%u:%u: %.*s\n", error.position.line, error.position.column,
                 static_cast<int>(sink.text().size()), sink.text().data());
    return bad_input;
  }
  std::puts(json(*document->root).c_str());
  return good;
}

}  // namespace host
