// SPDX-License-Identifier: Apache-2.0
#include "tools/host/config_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "config/toml.hpp"
#include "tools/host/files.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {

std::optional<ConfigText> ConfigText::read(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) return {};
  return of(path, *text);
}

ConfigText ConfigText::of(const std::filesystem::path& path, std::string_view text) {
  ConfigText file{path, std::string(text), {}};
  const auto count = static_cast<uint32_t>(std::ranges::count(text, '\n')) + 1;
  for (uint32_t number = 1; number <= count; ++number) file.lines.push_back({number, {}});
  return file;
}

void Reporter::report(const config::Diagnostic& diagnostic) {
  ++errors_;
  config::Diagnostic shown = diagnostic;
  shown.file = file_.path.native();
  std::string overridden;
  if (shown.position.line != 0 && shown.position.line <= file_.lines.size()) {
    const ConfigText::Line& line = file_.lines[shown.position.line - 1];
    overridden = line.overridden;
    shown.position.line = line.number;
  }
  char buffer[1024];
  hal::BufferSink sink(buffer);
  config::write(sink, shown);
  if (!overridden.empty()) hal::format(sink, " (--set {})", std::string_view(overridden));
  std::fprintf(stderr, "%.*s\n", static_cast<int>(sink.text().size()), sink.text().data());
}

namespace {

const config::toml::Node* child(const config::toml::Node& node, std::string_view key) {
  if (node.is(config::toml::Kind::table)) return node.find(key);
  size_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (!node.is(config::toml::Kind::array) || error != std::errc() || index >= node.size()) return nullptr;
  auto element = node.begin();
  while (index-- > 0) ++element;
  return &*element;
}

}  // namespace

config::Position position_of(std::string_view text, std::string_view path) {
  const TomlMemory memory(text);
  const auto document = config::toml::parse(text, memory.arena());
  if (!document.ok()) return {};
  const config::toml::Node* node = document->root;
  while (!path.empty()) {
    const std::string_view key = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(key.size() + 1, path.size()));
    const config::toml::Node* const next = child(*node, key);
    if (next == nullptr) break;
    node = next;
  }
  return node->position();
}

}  // namespace host
