// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "hal/base/lock.hpp"

namespace hal {

// What the boot CPU and one that it starts tell each other. One that comes after the boot CPU has given it up stays out
// for good: guests may exist by then, made for what the CPUs that came can do and invalidated on these alone.
//
//     boot CPU: expect() --starts it--> wait() -------------------------------> joined, refused, or silent
//     the other:                          arrive(), true --joins--> report()
//                                         arrive(), false: too late
class SecondaryStart {
 public:
  enum class Outcome : uint8_t { joined, refused, silent };

  constexpr SecondaryStart() = default;
  SecondaryStart(const SecondaryStart&) = delete;
  SecondaryStart& operator=(const SecondaryStart&) = delete;

  void expect() { state_.store(State::awaited, std::memory_order_release); }
  // Before the CPU touches anything that all share.
  [[nodiscard]] bool arrive() {
    State awaited = State::awaited;
    return state_.compare_exchange_strong(awaited, State::here, std::memory_order_acq_rel);
  }
  void report(bool joined) { state_.store(joined ? State::joined : State::refused, std::memory_order_release); }
  // Until it has reported, or is not here when expired() says so. One that is here has only instructions left to execute.
  template <typename Expired>
  [[nodiscard]] Outcome wait(Expired expired) {
    while (true) {
      switch (state_.load(std::memory_order_acquire)) {
        case State::joined: return Outcome::joined;
        case State::refused: return Outcome::refused;
        case State::given_up: return Outcome::silent;
        case State::awaited: {
          State awaited = State::awaited;
          if (expired()) (void)state_.compare_exchange_strong(awaited, State::given_up, std::memory_order_acq_rel);
          break;
        }
        case State::here: break;
      }
      cpu_relax();
    }
  }

 private:
  enum class State : uint32_t { awaited, given_up, here, joined, refused };
  std::atomic<State> state_{State::given_up};
};

}  // namespace hal
