// SPDX-License-Identifier: Apache-2.0
#include "config/toml/key_index.hpp"

#include <algorithm>

namespace config::toml {
namespace {

// Nine bits for each byte, the first of which says that there is one: so no key is the beginning of another.
constexpr uint64_t bits_per_byte = 9;

unsigned bit_of(std::string_view key, uint64_t bit) {
  const uint64_t byte = bit / bits_per_byte;
  if (byte >= key.size()) return 0;
  const uint64_t place = bit % bits_per_byte;
  return place == 0 ? 1 : (static_cast<unsigned char>(key[byte]) >> (8 - place)) & 1;
}

// Of two different keys.
uint64_t first_difference(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  uint64_t bit = static_cast<uint64_t>(in_a - a.begin()) * bits_per_byte;
  while (bit_of(a, bit) == bit_of(b, bit)) ++bit;
  return bit;
}

}  // namespace

Node* KeyIndex::find(const Node& table, std::string_view key) {
  const Node::Branch* branch = &table.index_;
  while (branch->splits) branch = &branch->node->split_.side[bit_of(key, branch->node->split_.bit)];
  return branch->node != nullptr && branch->node->key_ == key ? branch->node : nullptr;
}

void KeyIndex::add(Node& table, Node& member) {
  if (table.index_.node == nullptr) {
    table.index_ = {&member, false};
    return;
  }
  const std::string_view key = member.key_;
  const Node::Branch* similar = &table.index_;
  while (similar->splits) similar = &similar->node->split_.side[bit_of(key, similar->node->split_.bit)];
  const uint64_t bit = first_difference(key, similar->node->key_);
  // Splits are met in the order of their bits.
  Node::Branch* place = &table.index_;
  while (place->splits && place->node->split_.bit < bit) {
    place = &place->node->split_.side[bit_of(key, place->node->split_.bit)];
  }
  const unsigned side = bit_of(key, bit);
  member.split_.bit = bit;
  member.split_.side[side] = {&member, false};
  member.split_.side[1 - side] = *place;
  *place = {&member, true};
}

}  // namespace config::toml
