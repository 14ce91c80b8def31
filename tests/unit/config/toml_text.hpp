// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/toml.hpp"

// A parsed document together with the memory that it needs. Both live in heap blocks of their exact size, so that the
// sanitizer sees a step beyond either.
class TomlText {
 public:
  explicit TomlText(std::string_view source, size_t arena_size = 64 * 1024)
      : text_(source.begin(), source.end()),
        arena_(arena_size),
        result_(config::toml::parse({text_.data(), text_.size()}, arena_)) {}
  TomlText(const TomlText&) = delete;
  TomlText& operator=(const TomlText&) = delete;

  [[nodiscard]] bool ok() const { return result_.ok(); }
  [[nodiscard]] const config::toml::Node& root() const { return *result_->root; }
  [[nodiscard]] const config::toml::Error& error() const { return result_.error(); }
  [[nodiscard]] size_t arena_used() const { return result_->arena_used; }
  [[nodiscard]] std::string message() const {
    char buffer[512];
    hal::BufferSink sink(buffer);
    describe(sink, error());
    return std::string(sink.text());
  }

 private:
  std::vector<char> text_;
  std::vector<std::byte> arena_;
  hal::Result<config::toml::Document, config::toml::Error> result_;
};

// The value in a compact form that shows its type: {a=1,b=[1.5f,true,"text",1979-05-27d]}.
inline std::string dump(const config::toml::Node& node) {
  using config::toml::Kind;
  switch (node.kind()) {
    case Kind::string: return '"' + std::string(node.text()) + '"';
    case Kind::integer: return std::to_string(node.integer());
    case Kind::floating: return std::string(node.text()) + "f";
    case Kind::boolean: return node.boolean() ? "true" : "false";
    case Kind::offset_date_time: return std::string(node.text()) + "odt";
    case Kind::local_date_time: return std::string(node.text()) + "ldt";
    case Kind::local_date: return std::string(node.text()) + "d";
    case Kind::local_time: return std::string(node.text()) + "t";
    case Kind::array:
    case Kind::table: break;
  }
  const bool is_table = node.is(Kind::table);
  std::string out(1, is_table ? '{' : '[');
  for (const auto& member : node) {
    if (out.size() > 1) out += ',';
    if (is_table) out += std::string(member.key()) + '=';
    out += dump(member);
  }
  return out + (is_table ? '}' : ']');
}
