// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "hal/cpu.hpp"

// Machines that the fakes of <arch/cpu.hpp>, <arch/timer.hpp> and <arch/irq.hpp> act on.
namespace fake {

class Machine {
 public:
  virtual ~Machine();

  // What the executing CPU's instructions do.
  virtual void* local() = 0;
  virtual void set_local(void* local) = 0;
  virtual void wait_for_interrupt() = 0;
  virtual uint64_t now() = 0;
  virtual void set_deadline(uint64_t deadline) = 0;
  virtual void poll() = 0;
  virtual void send_ipi(hal::CpuIndex cpu) = 0;
  // A guest runs until it has used `ticks` or an interrupt makes it exit. Returns what it used.
  virtual uint64_t run_guest(uint64_t ticks) = 0;

  // Set while such an object lives; the fakes need one.
  static Machine& current();

 protected:
  Machine();
};

inline uint64_t run_guest(uint64_t ticks) { return Machine::current().run_guest(ticks); }

// CPUs that take turns on one thread, and a clock that advances only when all of them sleep or run guests. Which of
// several CPUs with something to do goes first is random, and repeatable.
class SimulatedMachine final : public Machine {
 public:
  SimulatedMachine(unsigned cpus, unsigned seed);
  ~SimulatedMachine() override;

  // Let CPU `cpu` come up and execute `body` when the machine runs next.
  void start(hal::CpuIndex cpu, std::function<void()> body);
  // Let everything happen until the clock has advanced by `ticks`.
  void run_for(uint64_t ticks);
  // Execute `body` like an interrupt handler of a CPU that sleeps or runs its guest.
  void on_cpu(hal::CpuIndex cpu, const std::function<void()>& body);
  // True when no CPU runs a guest and none has an interrupt pending.
  [[nodiscard]] bool is_quiet() const;

  struct Counts {
    uint64_t ipis = 0;  // received
    uint64_t timer_interrupts = 0;
    uint64_t guest_exits = 0;  // by an interrupt
  };
  [[nodiscard]] Counts counts(hal::CpuIndex cpu) const;
  // Calls to Cpu::switch_context() on all CPUs.
  static uint64_t context_switches();

  void* local() override;
  void set_local(void* local) override;
  void wait_for_interrupt() override;
  uint64_t now() override { return now_; }
  void set_deadline(uint64_t deadline) override;
  void poll() override;
  void send_ipi(hal::CpuIndex cpu) override;
  uint64_t run_guest(uint64_t ticks) override;

 private:
  struct FakeCpu;
  [[nodiscard]] FakeCpu& here() const;
  [[nodiscard]] bool has_work(const FakeCpu& cpu) const;
  void park(FakeCpu& cpu);
  void resume(FakeCpu& cpu);

  std::vector<std::unique_ptr<FakeCpu>> cpus_;
  FakeCpu* executing_ = nullptr;
  uint64_t now_ = 1;
  std::mt19937 random_;
};

}  // namespace fake
