// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>

#include "hal/base/lock.hpp"

namespace hal {

// One CPU has others do something at once and waits until they have: drop translations, where the hardware has no
// broadcast for that (LoongArch). At most one request is under way; a second one waits for the first.
//
// A CPU that is asked owes an answer, serve(). It gives it when the interrupt that asks ends its guest's run or its
// sleep, and wherever it waits for another CPU: arch/ calls serve() from hal::cpu_relax() as well. So neither side's
// locks matter (docs/locking.md), and ask() may be called with any lock held but one of rank `none`.
template <class Request, unsigned MaxCpus>
class CpuRequests {
 public:
  // Have each CPU but `self` for which `concerns(cpu)` is true carry out `request`; on return all have. `ring(cpu)`
  // interrupts a CPU, and takes no lock. What `self` owes meanwhile is served in cpu_relax().
  template <class Concerns, class Ring>
  void ask(unsigned self, const Request& request, Concerns concerns, Ring ring) {
    const LockGuard guard(lock_);
    request_ = request;
    for (unsigned cpu = 0; cpu < MaxCpus; ++cpu) {
      if (cpu == self || !concerns(cpu)) continue;
      owes_[cpu].store(true, std::memory_order_seq_cst);
      ring(cpu);
    }
    for (const std::atomic<bool>& owes : owes_) {
      while (owes.load(std::memory_order_acquire)) cpu_relax();
    }
  }

  [[nodiscard]] bool owes(unsigned cpu) const { return owes_[cpu].load(std::memory_order_acquire); }

  // On CPU `cpu`: what it owes, if anything. `carry_out(request)` takes no lock and asks nobody.
  template <class CarryOut>
  void serve(unsigned cpu, CarryOut carry_out) {
    if (!owes(cpu)) return;
    carry_out(request_);
    owes_[cpu].store(false, std::memory_order_release);
  }

 private:
  SpinLock lock_{LockRank::none};
  // Written under the lock, and only while nobody owes; read by those who owe.
  Request request_{};
  std::array<std::atomic<bool>, MaxCpus> owes_{};
};

}  // namespace hal
