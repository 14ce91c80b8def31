// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hal/exit_class.hpp"

namespace vmm {

using hal::ExitClass;

// A number that one task counts up and everybody reads: no read-modify-write, no ordering.
class OwnedCounter {
 public:
  void add(uint64_t amount) { set(get() + amount); }
  void raise_to(uint64_t value) {
    if (value > get()) set(value);
  }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What the exits of one vCPU cost while that is measured, in ticks of CPU time: what a blocked or preempted vCPU waits
// does not count. Written by its own task; readable from anywhere, each number by itself.
class ExitCosts {
 public:
  struct Line {
    uint64_t measured;  // exits
    uint64_t total;
    uint64_t longest;
  };

  void record(ExitClass exit_class, uint64_t ticks) {
    Counters& counters = classes_[static_cast<size_t>(exit_class)];
    counters.measured.add(1);
    counters.total.add(ticks);
    counters.longest.raise_to(ticks);
  }
  [[nodiscard]] Line line(ExitClass exit_class) const;
  void clear();

 private:
  struct Counters {
    OwnedCounter measured, total, longest;
  };
  std::array<Counters, hal::exit_classes> classes_;
};

}  // namespace vmm
