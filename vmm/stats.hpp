// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"

namespace vmm {

// Why a guest came to the hypervisor; the same words on both architectures.
enum class ExitClass : uint8_t {
  interrupt,  // for the host, or a virtual one to look after
  idle,       // WFI, idle
  call,       // HVC, SMC, hvcl
  device,     // an emulated register
  memory,     // stage 2 said no, and no device was there
  registers,  // a trapped system register, CSR, IOCSR or CPUCFG
  fault,      // anything that is given back to the guest as a fault
};
inline constexpr size_t exit_classes = 7;
[[nodiscard]] std::string_view name(ExitClass exit_class);

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

// What the exits of one vCPU cost, in ticks. Counted by its own task; readable from anywhere, each number by itself.
class ExitStatistics {
 public:
  struct Line {
    uint64_t count;
    uint64_t total;
    uint64_t longest;
  };

  void record(ExitClass exit_class, uint64_t ticks) {
    Counters& counters = classes_[static_cast<size_t>(exit_class)];
    counters.count.add(1);
    counters.total.add(ticks);
    counters.longest.raise_to(ticks);
  }
  [[nodiscard]] Line line(ExitClass exit_class) const;
  [[nodiscard]] uint64_t exits() const;
  void clear();

 private:
  struct Counters {
    OwnedCounter count, total, longest;
  };
  std::array<Counters, exit_classes> classes_;
};

// A line per exit class that occurred: count, total, mean and longest in nanoseconds. `frequency`: ticks per second.
void describe(hal::TextSink& sink, const ExitStatistics& statistics, uint64_t frequency);

}  // namespace vmm
