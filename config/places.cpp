// SPDX-License-Identifier: Apache-2.0
#include "config/places.hpp"

#include <algorithm>
#include <charconv>

#include "config/toml.hpp"

namespace config {
namespace {

const toml::Node* child(const toml::Node& node, std::string_view key) {
  if (node.is(toml::Kind::table)) return node.find(key);
  size_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (!node.is(toml::Kind::array) || error != std::errc() || index >= node.size()) return nullptr;
  auto element = node.begin();
  while (index-- > 0) ++element;
  return &*element;
}

}  // namespace

Position position_of(std::string_view text, std::span<std::byte> arena, std::string_view path) {
  const auto document = toml::parse(text, arena);
  if (!document.ok()) return {};
  const toml::Node* node = document->root;
  while (!path.empty()) {
    const std::string_view key = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(key.size() + 1, path.size()));
    const toml::Node* const next = child(*node, key);
    if (next == nullptr) break;
    node = next;
  }
  return node->position();
}

}  // namespace config
