// SPDX-License-Identifier: Apache-2.0
#include "vmm/net/exchange.hpp"

namespace vmm::net {

constinit Exchange machine_networks;

// VMs are made one after the other.
Network* Exchange::find_or_make(std::string_view name) {
  for (Network& network : networks_) {
    if (network.name() == name) return &network;
    if (!network.name().empty()) continue;
    network.set_name(name);
    return &network;
  }
  return nullptr;
}

// FNV-1a over the name and the number, folded into the bytes that the prefix leaves.
MacAddress derived_address(std::string_view vm, unsigned card) {
  constexpr uint64_t offset_basis = 0xcbf2'9ce4'8422'2325, prime = 0x100'0000'01b3;
  uint64_t hash = offset_basis;
  const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * prime; };
  for (const char letter : vm) add(static_cast<uint8_t>(letter));
  add(static_cast<uint8_t>(card));
  hash ^= hash >> 24 ^ hash >> 48;
  return {{0x52, 0x54, 0x00, static_cast<uint8_t>(hash >> 16), static_cast<uint8_t>(hash >> 8), static_cast<uint8_t>(hash)}};
}

}  // namespace vmm::net
