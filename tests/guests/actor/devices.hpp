// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cpu.hpp"
#include "machine.hpp"

// What the actor needs of its machine; each architecture has its own.
namespace actor {

// How much of RAM, interrupt controller, timers and devices is not as after power-on; names each if `tell` is set. For
// the boot CPU, before it uses any of them.
unsigned count_differences(bool tell);
// Change all of it. Interrupts are masked, and the machine is good for nothing but being reset.
void dirty_machine();

// In each tick of the timer, and in each interrupt of a device.
void tick();
void interrupt(unsigned number);

// A counter of another kind than the usual one, in the same unit; and the real-time clock in seconds, from anywhere.
[[nodiscard]] uint64_t other_counter();
[[nodiscard]] uint32_t clock_seconds();

// RAM that is free to use, by addresses that the guest's own tables translate: the same in every guest, and under the
// same ASID.
struct Mapped {
  uint64_t start, size;
};
[[nodiscard]] Mapped mapped_ram();

struct Deed {
  char letter;
  void (*act)();
};
// Deeds for what only this machine has.
[[nodiscard]] std::span<const Deed> own_deeds();

// For count_differences().
class Report {
 public:
  explicit Report(bool tell) : tell_(tell) {}
  void check(std::string_view name, bool fresh) {
    if (fresh) return;
    ++count;
    if (tell_) guest::print("actor: used before: {}", name);
  }
  unsigned count = 0;

 private:
  bool tell_;
};

inline constexpr uint64_t ram_step = 64;  // a cache line

[[nodiscard]] inline bool ram_is_clean() {
  const hal::HostPhysRange ram = guest::unused_ram();
  uint64_t seen = 0;
  for (uint64_t at = ram.start.value(); at < ram.start.value() + ram.size; at += ram_step) seen |= guest::read64(at);
  return seen == 0;
}

inline void dirty_ram() {
  const hal::HostPhysRange ram = guest::unused_ram();
  for (uint64_t at = ram.start.value(); at < ram.start.value() + ram.size; at += ram_step) guest::write64(at, ~at);
}

}  // namespace actor
