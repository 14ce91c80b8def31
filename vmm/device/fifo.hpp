// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace vmm {

// A UART's FIFO: a ring of at most Depth entries. How many of them count is the owner's decision; it pushes no more,
// and pops none that is not there.
template <class T, unsigned Depth>
struct Fifo {
  std::array<T, Depth> slots{};
  uint8_t first = 0;
  uint8_t count = 0;

  void push(T entry) { slots[(first + count++) % Depth] = entry; }
  T pop() {
    const T entry = slots[first];
    first = static_cast<uint8_t>((first + 1) % Depth);
    --count;
    return entry;
  }
  void clear() { first = count = 0; }
};

}  // namespace vmm
