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

// Which of `events` comes first: the end before the beginning, and what the guest does before what it is asked for.
[[nodiscard]] constexpr std::optional<VmEvent> most_urgent(uint32_t events) {
  using enum VmEvent;
  constexpr std::array order{destroy, crash, kill, power_off, reset, stop, restart, suspend, resume, start};
  static_assert(order.size() == vm_events);
  for (const VmEvent event : order) {
    if ((events & bit_of(event)) != 0) return event;
  }
  return std::nullopt;
}

// Where an event leads; nothing when it is not possible in that state.
[[nodiscard]] constexpr std::optional<VmState> next_state(VmState state, VmEvent event) {
  using enum VmState;
  const bool has_guest = state == running || state == suspended;
  const bool at_rest = state == created || state == stopped || state == crashed;
  switch (event) {
    case VmEvent::start: return at_rest ? std::optional(running) : std::nullopt;
    case VmEvent::stop:
    case VmEvent::kill: return has_guest ? std::optional(stopped) : std::nullopt;
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
