// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "vmm/net/network.hpp"

namespace vmm::net {

// The networks of the machine, by name. They come with the first VM that names them and stay.
class Exchange {
 public:
  static constexpr size_t max_networks = 16;

  constexpr Exchange() = default;
  // Null: there are too many.
  [[nodiscard]] Network* find_or_make(std::string_view name);
  // Those that there are, in the order in which they came.
  template <class Visit>
  void for_each(Visit visit) {
    for (Network& network : networks_) {
      if (!network.name().empty()) visit(network);
    }
  }

 private:
  std::array<Network, max_networks> networks_;
};

// Those that VMs of this machine are on.
extern Exchange machine_networks;

// A card's address where the file has none: the same for the same VM at each start, and locally administered, as QEMU's.
[[nodiscard]] MacAddress derived_address(std::string_view vm, unsigned card);

}  // namespace vmm::net
