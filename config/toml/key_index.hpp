// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/toml.hpp"

namespace config::toml {

// The members of a table by their keys, as a crit-bit tree: no document can make it deep, for a path is no longer than
// the key that is looked for. Each member brings one split along, by the first bit in which its key differs from those
// that were there:
//
//     "cpu", "cpus", "name"        [bit 4: c|n]--1--> name
//                                       |0
//                                  [bit 27: ends|goes on]--1--> cpus
//                                       |0
//                                      cpu
class KeyIndex {
 public:
  [[nodiscard]] static Node* find(const Node& table, std::string_view key);
  // `member`, whose key is set and is none of those in there.
  static void add(Node& table, Node& member);
};

}  // namespace config::toml
