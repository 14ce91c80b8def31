// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/format.hpp"

// Exceptions taken by a guest.
namespace guest {

// As start.S stores it.
struct Frame {
  uint64_t r[32];
  uint64_t era, prmd, estat, badv;
  [[nodiscard]] unsigned code() const { return static_cast<unsigned>(estat >> 16) & 0x3f; }
};

// What attempt() saw.
struct Fault {
  bool taken = false;
  uint64_t estat = 0;
  uint64_t badv = 0;
  uint64_t era = 0;
  [[nodiscard]] unsigned code() const { return static_cast<unsigned>(estat >> 16) & 0x3f; }
  [[nodiscard]] unsigned exception_class() const { return code(); }
  [[nodiscard]] unsigned subcode() const { return static_cast<unsigned>(estat >> 22) & 0x1ff; }
};
inline void describe(hal::TextSink& sink, const Fault& fault) {
  hal::format(sink, "estat {:#x} badv {:#x}", fault.estat, fault.badv);
}
// Exception codes (volume 1, 7.4.6).
inline constexpr unsigned code_fetch_invalid = 0x3;
inline constexpr unsigned code_no_execute = 0x6;
inline constexpr unsigned code_address = 0x8;  // subcode 0: of a fetch, 1: of an access
inline constexpr unsigned code_breakpoint = 0xc;
inline constexpr unsigned code_undefined = 0xd;
inline constexpr unsigned code_privileged = 0xe;

namespace detail {
void arm();
[[nodiscard]] Fault disarm();
}  // namespace detail

// Run `action`; an exception in it is remembered and its instruction skipped (a failed jump returns).
template <class Action>
[[nodiscard]] Fault attempt(Action&& action) {
  detail::arm();
  action();
  return detail::disarm();
}

// Called with the number in ESTAT of each interrupt that is pending and enabled.
using InterruptHandler = void (*)(unsigned interrupt);
void on_interrupt(InterruptHandler handler);

}  // namespace guest
