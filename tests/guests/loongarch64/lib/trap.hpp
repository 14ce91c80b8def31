// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Exceptions taken by a guest.
namespace guest {

// As start.S stores it.
struct Frame {
  uint64_t r[32];
  uint64_t era, prmd, estat, badv;
  [[nodiscard]] unsigned code() const { return static_cast<unsigned>(estat >> 16) & 0x3f; }
};

// Called with the number in ESTAT of each interrupt that is pending and enabled.
using InterruptHandler = void (*)(unsigned interrupt);
void on_interrupt(InterruptHandler handler);

}  // namespace guest
