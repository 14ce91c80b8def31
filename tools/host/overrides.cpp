// SPDX-License-Identifier: Apache-2.0
#include "tools/host/overrides.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "config/toml.hpp"
#include "tools/host/quote.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {
namespace {

using config::toml::Kind;
using config::toml::Node;
using config::toml::Origin;

bool refuse(std::string_view source, const std::string& why) {
  std::fprintf(stderr, "--set %.*s: %s\n", static_cast<int>(source.size()), source.data(), why.c_str());
  return false;
}

// Is "key = value" one line with this one key?
bool is_toml_value(const std::string& value) {
  if (value.find_first_of("\r\n") != std::string::npos) return false;
  const std::string line = "x = " + value;
  const TomlMemory memory(line);
  const auto document = config::toml::parse(line, memory.arena());
  // A comment behind the value would swallow whatever it is put in front of.
  return document.ok() && document->root->begin()->source() == value;
}

bool is_bare_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::vector<std::string_view> split(std::string_view dotted) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t dot = dotted.find('.');
    parts.push_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    dotted.remove_prefix(dot + 1);
  }
}

// The change while it is made: the text, its lines, and the parsed document that says where things are.
class Editor {
 public:
  Editor(const Override& change, ConfigText& file) : change_(change), file_(file) {}

  bool apply() {
    // A byte-order mark would end up behind a line that is put first.
    if (file_.text.starts_with("\xef\xbb\xbf")) file_.text.erase(0, 3);
    const TomlMemory memory(file_.text);
    const auto document = config::toml::parse(file_.text, memory.arena());
    // Whoever loads the file says what is wrong with it.
    if (!document.ok()) return true;
    return edit(*document->root);
  }

 private:
  bool edit(const Node& root) {
    const auto parts = split(change_.key);
    const Node* node = &root;
    // The innermost table that a line can be added to, and what the key is called from there.
    const Node* home = &root;
    size_t home_depth = 0;
    for (size_t depth = 0; depth < parts.size(); ++depth) {
      if (node->is(Kind::array)) return refuse(change_.source, "a list of tables is changed in the file itself");
      if (!node->is(Kind::table)) return refuse(change_.source, "`" + path(parts, 0, depth) + "` is no table");
      if (node->origin() == Origin::header || !node->source().empty()) {
        home = node;
        home_depth = depth;
      }
      const Node* const next = node->find(parts[depth]);
      if (next == nullptr) return add(*home, path(parts, home_depth, parts.size()));
      node = next;
    }
    if (node->source().empty()) return refuse(change_.source, "`" + change_.key + "` is a table; set one of its keys");
    replace(*node);
    return true;
  }

  static std::string path(const std::vector<std::string_view>& parts, size_t first, size_t end) {
    std::string joined;
    for (size_t i = first; i < end; ++i) joined += (joined.empty() ? "" : ".") + std::string(parts[i]);
    return joined;
  }

  void replace(const Node& node) {
    const auto at = static_cast<size_t>(node.source().data() - file_.text.data());
    const std::string_view old = node.source();
    const size_t first_line = line_index(at);
    const auto lost = static_cast<ptrdiff_t>(std::ranges::count(old, '\n'));
    const auto behind = file_.lines.begin() + static_cast<ptrdiff_t>(first_line) + 1;
    file_.lines.erase(behind, behind + lost);
    file_.lines[first_line].overridden = change_.source;
    file_.text.replace(at, old.size(), change_.value);
  }

  bool add(const Node& home, const std::string& key) {
    const std::string entry = key + " = " + change_.value;
    if (!home.source().empty()) {
      add_inline(home, entry);
      return true;
    }
    // The root's keys stand before all headers, a table's behind its own.
    const bool is_root = home.key().empty() && home.position() == config::Position{1, 1};
    const size_t line = is_root ? 0 : home.position().line;
    insert_line(line, entry);
    return true;
  }

  void add_inline(const Node& table, const std::string& entry) {
    const auto begin = static_cast<size_t>(table.source().data() - file_.text.data());
    const size_t closing = begin + table.source().size() - 1;
    file_.lines[line_index(closing)].overridden = change_.source;
    file_.text.insert(closing, (table.size() == 0 ? "" : ", ") + entry);
  }

  void insert_line(size_t index, const std::string& line) {
    size_t at = 0;
    for (size_t i = 0; i < index && at != std::string::npos; ++i) {
      at = file_.text.find('\n', at);
      if (at != std::string::npos) ++at;
    }
    file_.lines.insert(file_.lines.begin() + static_cast<ptrdiff_t>(index), ConfigText::Line{0, change_.source});
    if (at == std::string::npos) {
      file_.text += '\n' + line;
    } else {
      file_.text.insert(at, line + '\n');
    }
  }

  [[nodiscard]] size_t line_index(size_t offset) const {
    return static_cast<size_t>(std::ranges::count(file_.text.substr(0, offset), '\n'));
  }

  const Override& change_;
  ConfigText& file_;
};

}  // namespace

std::optional<Override> Override::parse(std::string_view argument) {
  const size_t equals = argument.find('=');
  const size_t dot = argument.find('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos || dot > equals) {
    refuse(argument, "write it as VM.KEY=VALUE, like linux.vcpus=4");
    return {};
  }
  Override change;
  change.source = argument;
  change.vm = argument.substr(0, dot);
  change.key = argument.substr(dot + 1, equals - dot - 1);
  change.value = argument.substr(equals + 1);
  if (!std::ranges::all_of(split(change.key), is_bare_key)) {
    refuse(argument, "`" + change.key + "` is not a key like vcpus or kernel.cmdline");
    return {};
  }
  if (!is_toml_value(change.value)) change.value = quote(change.value);
  return change;
}

bool apply(const Override& change, ConfigText& file) { return Editor(change, file).apply(); }

}  // namespace host
