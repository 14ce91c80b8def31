// SPDX-License-Identifier: Apache-2.0
// CPUs are threads that answer where a real one does: where it polls, and where it waits for a lock or for the others.
#include "hal/base/cpu_requests.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/fakes/support.hpp"

namespace {

using hal::LockGuard;
using hal::LockRank;
using hal::SpinLock;

constexpr unsigned max_cpus = 4;

// One translation, to one of a few pages, which every CPU keeps in its TLB until it is told to drop it.
class Machine {
 public:
  // Body of CPU `self`: use the translation, change it now and then, all under locks that everybody wants.
  void run(unsigned self, unsigned rounds) {
    fake::while_waiting = [this, self] { poll(self); };
    for (unsigned round = 0; round < rounds; ++round) {
      use(self);
      if (round % 8 == self) change(self);
      poll(self);
    }
    running_.fetch_sub(1);
    while (running_.load() != 0) hal::cpu_relax();
    fake::while_waiting = nullptr;
  }

  std::atomic<unsigned> stale_uses{0};
  std::atomic<unsigned> changes{0};

 private:
  static constexpr unsigned none = ~0U, pages = 8;

  void poll(unsigned self) {
    requests_.serve(self, [&](unsigned page) {
      if (tlb_[self] == page) tlb_[self] = none;
    });
  }
  void use(unsigned self) {
    const LockGuard guard(self % 2 == 0 ? even_ : odd_);
    if (tlb_[self] == none) tlb_[self] = table_.load();
    if (!mapped_[tlb_[self]].load()) stale_uses.fetch_add(1);
  }
  // The old page is somebody else's once ask() returned. Two locks are held meanwhile.
  void change(unsigned self) {
    const LockGuard one(even_);
    const LockGuard two(odd_);
    const unsigned old = table_.load(), next = (old + 1) % pages;
    mapped_[next].store(true);
    table_.store(next);
    if (tlb_[self] == old) tlb_[self] = none;
    requests_.ask(
        self, old, [](unsigned) { return true; }, [](unsigned) {});
    mapped_[old].store(false);
    changes.fetch_add(1);
  }

  SpinLock even_{LockRank::guest_space};
  SpinLock odd_{LockRank::host_space};
  hal::CpuRequests<unsigned, max_cpus> requests_;
  std::atomic<unsigned> table_{0};
  std::array<std::atomic<bool>, pages> mapped_{true};
  std::array<unsigned, max_cpus> tlb_{none, none, none, none};  // each its own CPU's
  std::atomic<unsigned> running_{max_cpus};
};

TEST(CpuRequests, return_when_no_cpu_uses_what_was_dropped_whatever_locks_are_held) {
  Machine machine;
  std::vector<std::thread> cpus;
  for (unsigned cpu = 0; cpu < max_cpus; ++cpu) cpus.emplace_back([&, cpu] { machine.run(cpu, 800); });
  for (std::thread& cpu : cpus) cpu.join();
  EXPECT_EQ(machine.stale_uses.load(), 0U);
  EXPECT_EQ(machine.changes.load(), max_cpus * 100U);
}

TEST(CpuRequests, concern_and_ring_whom_the_caller_names) {
  hal::CpuRequests<int, max_cpus> requests;
  std::vector<unsigned> rung;
  int carried_out = 0;
  // CPU 3 answers as soon as its bell rings.
  const auto ring = [&](unsigned cpu) {
    rung.push_back(cpu);
    requests.serve(cpu, [&](int request) { carried_out = request; });
  };
  requests.ask(
      0, 42, [](unsigned cpu) { return cpu == 3 || cpu == 0; }, ring);
  EXPECT_EQ(rung, std::vector<unsigned>{3});
  EXPECT_EQ(carried_out, 42);
}

TEST(CpuRequests, are_carried_out_once) {
  hal::CpuRequests<int, max_cpus> requests;
  unsigned times = 0;
  const auto serve = [&](unsigned cpu) { requests.serve(cpu, [&](int) { ++times; }); };
  requests.ask(
      0, 1, [](unsigned cpu) { return cpu == 1; }, serve);
  serve(1);
  EXPECT_EQ(times, 1U);
  EXPECT_FALSE(requests.owes(1));
}

}  // namespace
