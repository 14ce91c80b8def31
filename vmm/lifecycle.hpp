// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vmm {

// The life of a VM, as a table; docs/lifecycle.md has the picture. Pure: who holds which lock and what an edge does is
// vmm/vm.cpp.
enum class VmState : uint8_t { created, running, suspended, stopped, crashed, destroyed };

// What somebody wants of a VM: the user or the configuration (start ... destroy), or the guest itself (the rest).
enum class VmEvent : uint8_t {
  start,
  stop,  // the guest is asked first, where it can be
  kill,  // it is not
  suspend,
  resume,
  restart,
  destroy,
  power_off,  // the guest asked for it
  reset,      // the guest asked for it; the configuration may turn it into power_off
  crash,      // the guest cannot go on
};
inline constexpr unsigned vm_events = 10;

[[nodiscard]] constexpr std::string_view name(VmState state) {
  constexpr std::array<std::string_view, 6> names{"created", "running", "suspended", "stopped", "crashed", "destroyed"};
  return names[static_cast<size_t>(state)];
}
[[nodiscard]] constexpr std::string_view name(VmEvent event) {
  constexpr std::array<std::string_view, vm_events> names{"start",   "stop",    "kill",      "suspend", "resume",
                                                          "restart", "destroy", "power off", "reset",   "crash"};
  return names[static_cast<size_t>(event)];
}

// Several events as one word.
[[nodiscard]] constexpr uint32_t bit_of(VmEvent event) { return 1U << static_cast<unsigned>(event); }

// A number for each event: larger where it was asked for later. May wrap around.
using VmOrder = std::array<uint32_t, vm_events>;

[[nodiscard]] constexpr bool is_earlier(const VmOrder& order, VmEvent a, VmEvent b) {
  return static_cast<int32_t>(order[static_cast<size_t>(a)] - order[static_cast<size_t>(b)]) < 0;
}

// Which of `events` comes first: the end that waits for nobody, what the guest does, and then what was asked for first.
[[nodiscard]] constexpr std::optional<VmEvent> most_urgent(uint32_t events, const VmOrder& order) {
  using enum VmEvent;
  for (const VmEvent event : {destroy, crash, kill, power_off, reset}) {
    if ((events & bit_of(event)) != 0) return event;
  }
  std::optional<VmEvent> first;
  for (const VmEvent event : {start, stop, suspend, resume, restart}) {
    if ((events & bit_of(event)) != 0 && (!first || is_earlier(order, event, *first))) first = event;
  }
  return first;
}

// Those of `events` that are void once `event` is carried out: what was asked of the guest that it ends, before it was
// asked for itself.
[[nodiscard]] constexpr uint32_t made_void(uint32_t events, const VmOrder& order, VmEvent event) {
  using enum VmEvent;
  if (event != kill && event != restart && event != destroy) return 0;
  uint32_t gone = 0;
  for (const VmEvent other : {start, stop, kill, suspend, resume, restart}) {
    if (other != event && (events & bit_of(other)) != 0 && is_earlier(order, other, event)) gone |= bit_of(other);
  }
  return gone;
}

// How long a guest that ended by itself waits before it starts again, when it had done so `in_a_row` times before:
// `first`, doubled each time, at most `longest`.
template <typename Ticks>
[[nodiscard]] constexpr Ticks back_off(Ticks first, Ticks longest, unsigned in_a_row) {
  const unsigned doublings = in_a_row < 16 ? in_a_row : 16;
  return first > longest >> doublings ? longest : first << doublings;
}

// Where an event leads; nothing when it is not possible in that state.
[[nodiscard]] constexpr std::optional<VmState> next_state(VmState state, VmEvent event) {
  using enum VmState;
  const bool has_guest = state == running || state == suspended;
  const bool at_rest = state == created || state == stopped || state == crashed;
  switch (event) {
    case VmEvent::start: return at_rest ? std::optional(running) : std::nullopt;
    // A crashed one may be about to be restarted.
    case VmEvent::stop:
    case VmEvent::kill: return has_guest || state == crashed ? std::optional(stopped) : std::nullopt;
    case VmEvent::suspend: return state == running ? std::optional(suspended) : std::nullopt;
    case VmEvent::resume: return state == suspended ? std::optional(running) : std::nullopt;
    case VmEvent::restart: return has_guest || at_rest ? std::optional(running) : std::nullopt;
    case VmEvent::destroy: return state != destroyed ? std::optional(destroyed) : std::nullopt;
    // A guest's own wish may arrive when the user was faster, or between suspend and the moment it took effect.
    case VmEvent::power_off: return has_guest ? std::optional(stopped) : std::nullopt;
    case VmEvent::reset: return has_guest ? std::optional(running) : std::nullopt;
    case VmEvent::crash: return has_guest ? std::optional(crashed) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace vmm
