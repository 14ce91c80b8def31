// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// What a guest can do against whatever runs it. An attack that ends lets the guest report it and power off; the others
// hold on until the VM is stopped from outside.
namespace hostile {

struct Attack {
  std::string_view name;
  void (*run)();
};

// What an attack that ends has done so far: one that did nothing withstands anything.
inline constinit unsigned deeds = 0;

// Repeatable noise (xorshift64).
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9e37'79b9'7f4a'7c15 + 1) {}
  uint64_t operator()() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // Below `limit`, which is not 0.
  uint64_t below(uint64_t limit) { return operator()() % limit; }

 private:
  uint64_t state_;
};

// network.cpp, on a VM with a card.
void break_every_card();
void confuse_the_pci_bus();

// Those of this architecture, and the ones above.
[[nodiscard]] std::span<const Attack> attacks();
// Interrupts can be taken from now on, as far as an attack lets them through.
void prepare();

}  // namespace hostile
