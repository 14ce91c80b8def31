// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

namespace hal {

// Time is counted in ticks of the machine's constant-rate counter (AArch64: CNTPCT_EL0; LoongArch: stable counter),
// which all CPUs share. An instant is ticks since an arbitrary start; it never wraps in practice (64 bits).
using Ticks = uint64_t;
inline constexpr Ticks never = ~Ticks{0};

template <class T>
concept Clock = requires(Ticks deadline) {
  { T::now() } -> std::same_as<Ticks>;
  // Ticks per second; constant after hal::enable_virtualization().
  { T::frequency() } -> std::same_as<uint64_t>;
  // Make this CPU's hypervisor timer interrupt (upcall::timer_expired) at `deadline`; a past deadline fires at once.
  // `never` switches it off. Replaces the deadline set before.
  { T::set_deadline(deadline) } -> std::same_as<void>;
};

}  // namespace hal

#include <arch/timer.hpp>

namespace hal {
static_assert(Clock<arch::Timer>, "arch/timer.hpp does not keep the contract of hal/timer.hpp");
using Timer = arch::Timer;

inline Ticks ticks_from_microseconds(uint64_t us) { return us * Timer::frequency() / 1'000'000; }
inline uint64_t nanoseconds(Ticks ticks) {
  // Split so that the product stays inside 64 bits for any uptime.
  const uint64_t hz = Timer::frequency();
  return ticks / hz * 1'000'000'000 + ticks % hz * 1'000'000'000 / hz;
}
}  // namespace hal
