// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "cpu.hpp"
#include "machine.hpp"

namespace bench {

inline constexpr unsigned repetitions = 2048;

inline void report(std::string_view name, uint64_t spent, unsigned count) {
  guest::print("bench {} {} {}", name, spent, count);
}

template <class Operation>
void measure(std::string_view name, Operation operation) {
  operation();
  const uint64_t start = guest::now();
  for (unsigned i = 0; i < repetitions; ++i) operation();
  report(name, guest::now() - start, repetitions);
}

// Something that a vCPU uses and that a switch then has to carry: the name of its figure, and how a CPU begins to use it.
struct Burden {
  std::string_view figure;
  void (*use)();
};

// An interrupt that was taken, as the handlers of each architecture's bench_machine.hpp report it.
enum class Event : uint8_t { test, reply, timer };
void taken(Event event);

}  // namespace bench
