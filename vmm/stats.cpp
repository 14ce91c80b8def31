// SPDX-License-Identifier: Apache-2.0
#include "vmm/stats.hpp"

namespace vmm {

namespace {

constexpr uint64_t ns_per_second = 1'000'000'000;

// Split so that the product stays inside 64 bits.
uint64_t nanoseconds(uint64_t ticks, uint64_t frequency) {
  return ticks / frequency * ns_per_second + ticks % frequency * ns_per_second / frequency;
}

}  // namespace

std::string_view name(ExitClass exit_class) {
  static constexpr std::array<std::string_view, exit_classes> names{"interrupt", "idle",      "call", "device",
                                                                    "memory",    "registers", "fault"};
  return names[static_cast<size_t>(exit_class)];
}

ExitStatistics::Line ExitStatistics::line(ExitClass exit_class) const {
  const Counters& counters = classes_[static_cast<size_t>(exit_class)];
  return {counters.count.get(), counters.total.get(), counters.longest.get()};
}

uint64_t ExitStatistics::exits() const {
  uint64_t sum = 0;
  for (const Counters& counters : classes_) sum += counters.count.get();
  return sum;
}

void ExitStatistics::clear() {
  for (Counters& counters : classes_) {
    counters.count.set(0);
    counters.total.set(0);
    counters.longest.set(0);
  }
}

void describe(hal::TextSink& sink, const ExitStatistics& statistics, uint64_t frequency) {
  hal::format(sink, "{:12}{:>12}{:>16}{:>12}{:>12}\n", "exits", "count", "total ns", "mean ns", "longest ns");
  for (size_t i = 0; i < exit_classes; ++i) {
    const auto exit_class = static_cast<ExitClass>(i);
    const ExitStatistics::Line line = statistics.line(exit_class);
    if (line.count == 0) continue;
    hal::format(sink, "{:12}{:12}{:16}{:12}{:12}\n", exit_class, line.count, nanoseconds(line.total, frequency),
                nanoseconds(line.total / line.count, frequency), nanoseconds(line.longest, frequency));
  }
}

}  // namespace vmm
