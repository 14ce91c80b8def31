// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/format.hpp"

// Exceptions taken by a guest.
namespace guest {

// As start.S stores it.
struct Frame {
  uint64_t x[31];
  uint64_t elr, spsr, esr, far;
};

// What attempt() saw. Exception classes: DDI 0487, ESR_EL1.
struct Fault {
  bool taken = false;
  uint64_t esr = 0;
  uint64_t far = 0;
  uint64_t elr = 0;
  uint64_t spsr = 0;
  [[nodiscard]] unsigned exception_class() const { return static_cast<unsigned>(esr >> 26) & 0x3f; }
  [[nodiscard]] unsigned fault_status() const { return static_cast<unsigned>(esr) & 0x3f; }
};
inline void describe(hal::TextSink& sink, const Fault& fault) {
  hal::format(sink, "esr {:#x} far {:#x}", fault.esr, fault.far);
}
inline constexpr unsigned ec_unknown = 0x00;
inline constexpr unsigned ec_svc32 = 0x11;
inline constexpr unsigned ec_svc = 0x15;
inline constexpr unsigned ec_system_register = 0x18;
inline constexpr unsigned ec_instruction_abort = 0x21;
inline constexpr unsigned ec_data_abort = 0x25;
inline constexpr unsigned ec_breakpoint = 0x31;
inline constexpr unsigned ec_step = 0x33;
inline constexpr unsigned ec_watchpoint = 0x35;
inline constexpr unsigned ec_brk = 0x3c;
inline constexpr unsigned synchronous_external_abort = 0x10;

namespace detail {
void arm();
[[nodiscard]] Fault disarm();
}  // namespace detail

// Run `action`; a synchronous exception in it is remembered and its instruction skipped (a failed jump returns).
template <class Action>
[[nodiscard]] Fault attempt(Action&& action) {
  detail::arm();
  action();
  return detail::disarm();
}

// Called for every interrupt except spurious ones, between acknowledge and end of interrupt. Not reentrant.
using InterruptHandler = void (*)(uint32_t interrupt);
void on_interrupt(InterruptHandler handler);
// And after it was ended.
void on_interrupt_ended(InterruptHandler handler);

}  // namespace guest
