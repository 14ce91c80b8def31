// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hal/exit_class.hpp"
#include "vmm/stats.hpp"

namespace vmm {

// Exits are always counted. More is known of them only while somebody wants it: while tracing is on, or while their
// costs are measured. Then each vCPU puts an observer in front of its exits (hal::Vcpu::observe_exits()); without, an
// exit costs nothing of this.

// What one vCPU knows of its exits beside their count. Written by its own task.
class ExitObserver {
 public:
  struct Exit {
    uint64_t pc;
    uint64_t syndrome;  // as the ISA has it
    ExitClass exit_class;
  };
  static constexpr size_t kept = 8;

  // Measure costs, from nothing, or no longer.
  void measure(bool on) {
    if (on && !measuring_) costs.clear();
    measuring_ = on;
  }
  void begin(const Exit& exit, uint64_t run_ticks) {
    last_[exits_++ % kept] = exit;
    began_ = run_ticks;
  }
  // The class and the CPU time of the exit that begin() told of.
  void end(uint64_t run_ticks) {
    if (measuring_) costs.record(last_[(exits_ - 1) % kept].exit_class, run_ticks - began_);
  }

  // No more exits are told of: those that were are not the last ones any longer.
  void forget() { exits_ = 0; }
  // Calls visit(exit) for the last ones, the oldest first. While the vCPU does not run.
  void for_each_last(auto visit) const {
    for (uint64_t i = exits_ > kept ? exits_ - kept : 0; i < exits_; ++i) visit(last_[i % kept]);
  }

  ExitCosts costs;

 private:
  std::array<Exit, kept> last_{};
  uint64_t exits_ = 0;
  uint64_t began_ = 0;
  bool measuring_ = false;
};

// From now on, or no longer; every vCPU follows before it runs its guest again. Costs are measured anew. For the
// shell's task.
void measure_exit_costs(bool on);
[[nodiscard]] bool exit_costs_are_measured();
// Tracing was switched on or off. For the shell's task.
void renew_observation();
// Is there anything to observe exits for?
[[nodiscard]] bool exits_are_observed();

}  // namespace vmm
