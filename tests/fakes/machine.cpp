// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <arch/timer.hpp>
#include <atomic>
#include <cstdlib>
#include <utility>

#include "fiber.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/upcall.hpp"

namespace fake {
namespace {

Machine* the_machine = nullptr;
std::atomic<uint64_t> switches = 0;

}  // namespace

Machine::Machine() { the_machine = this; }
Machine::~Machine() { the_machine = nullptr; }
Machine& Machine::current() {
  if (the_machine == nullptr) hal::panic("no fake machine");
  return *the_machine;
}

struct SimulatedMachine::FakeCpu {
  enum class State { off, starting, sleeping, guest, executing };

  hal::CpuIndex index = 0;
  State state = State::off;
  void* local = nullptr;
  bool ipi = false;
  uint64_t deadline = UINT64_MAX;
  uint64_t guest_end = 0;
  Counts counts;
  Fiber parked;  // what the CPU executes, while it does not
  Fiber driver;  // who let it execute
  std::function<void()> body;

  [[nodiscard]] bool is_interrupted(uint64_t now) const { return ipi || deadline <= now; }
};

SimulatedMachine::SimulatedMachine(unsigned cpus, unsigned seed) : random_(seed) {
  for (hal::CpuIndex index = 0; index < cpus; ++index) {
    cpus_.push_back(std::make_unique<FakeCpu>());
    cpus_.back()->index = index;
  }
}
SimulatedMachine::~SimulatedMachine() = default;

void SimulatedMachine::start(hal::CpuIndex index, std::function<void()> body) {
  FakeCpu& cpu = *cpus_[index];
  cpu.body = std::move(body);
  cpu.parked.prepare([](void* fake_cpu) { static_cast<FakeCpu*>(fake_cpu)->body(); }, &cpu);
  cpu.state = FakeCpu::State::starting;
}

bool SimulatedMachine::has_work(const FakeCpu& cpu) const {
  switch (cpu.state) {
    case FakeCpu::State::off:
    case FakeCpu::State::executing: return false;
    case FakeCpu::State::starting: return true;
    case FakeCpu::State::sleeping: return cpu.is_interrupted(now_);
    case FakeCpu::State::guest: return cpu.is_interrupted(now_) || cpu.guest_end <= now_;
  }
  return false;
}

void SimulatedMachine::run_for(uint64_t ticks) {
  const uint64_t end = now_ + ticks;
  while (true) {
    std::vector<FakeCpu*> busy;
    uint64_t next = end;
    for (const auto& cpu : cpus_) {
      if (has_work(*cpu)) busy.push_back(cpu.get());
      if (cpu->state == FakeCpu::State::off) continue;
      next = std::min(next, cpu->deadline);
      if (cpu->state == FakeCpu::State::guest) next = std::min(next, cpu->guest_end);
    }
    if (!busy.empty()) {
      resume(*busy[random_() % busy.size()]);
    } else if (now_ < end) {
      now_ = next;
    } else {
      return;
    }
  }
}

bool SimulatedMachine::is_quiet() const {
  return std::ranges::all_of(cpus_, [&](const auto& cpu) {
    return cpu->state == FakeCpu::State::off || (cpu->state == FakeCpu::State::sleeping && !has_work(*cpu));
  });
}

void SimulatedMachine::on_cpu(hal::CpuIndex index, const std::function<void()>& body) {
  FakeCpu* const before = std::exchange(executing_, cpus_[index].get());
  body();
  executing_ = before;
  // An interrupt brought it here, so the CPU looks around before it sleeps or enters its guest again.
  cpus_[index]->ipi = true;
}

SimulatedMachine::Counts SimulatedMachine::counts(hal::CpuIndex cpu) const { return cpus_[cpu]->counts; }
uint64_t SimulatedMachine::context_switches() { return switches; }

SimulatedMachine::FakeCpu& SimulatedMachine::here() const {
  if (executing_ == nullptr) hal::panic("no fake CPU executes");
  return *executing_;
}

void SimulatedMachine::resume(FakeCpu& cpu) {
  executing_ = &cpu;
  cpu.state = FakeCpu::State::executing;
  Fiber::switch_between(cpu.driver, cpu.parked);
  executing_ = nullptr;
}

void SimulatedMachine::park(FakeCpu& cpu) { Fiber::switch_between(cpu.parked, cpu.driver); }

void* SimulatedMachine::local() { return here().local; }
void SimulatedMachine::set_local(void* local) { here().local = local; }

void SimulatedMachine::wait_for_interrupt() {
  FakeCpu& cpu = here();
  cpu.state = FakeCpu::State::sleeping;
  park(cpu);
}

uint64_t SimulatedMachine::run_guest(uint64_t ticks) {
  FakeCpu& cpu = here();
  const uint64_t start = now_;
  cpu.guest_end = now_ + ticks;
  cpu.state = FakeCpu::State::guest;
  park(cpu);
  if (cpu.guest_end > now_) ++cpu.counts.guest_exits;
  poll();
  return now_ - start;
}

void SimulatedMachine::set_deadline(uint64_t deadline) { here().deadline = deadline; }

void SimulatedMachine::poll() {
  FakeCpu& cpu = here();
  while (cpu.is_interrupted(now_)) {
    if (std::exchange(cpu.ipi, false)) {
      ++cpu.counts.ipis;
      hal::upcall::interrupted_by_cpu();
      continue;
    }
    ++cpu.counts.timer_interrupts;
    const uint64_t fired = cpu.deadline;
    hal::upcall::timer_expired();
    if (cpu.deadline == fired) hal::panic("the timer interrupt is still asserted");
  }
}

void SimulatedMachine::send_ipi(hal::CpuIndex index) { cpus_[index]->ipi = true; }

}  // namespace fake

namespace arch {

using fake::Machine;

void Cpu::prepare(Context& context, hal::HostVirt, void (*entry)(void*), void* argument) {
  context.fiber.prepare(entry, argument);
}
void Cpu::switch_context(Context& from, Context& to) {
  ++fake::switches;
  if (hal::held_locks() != 0) hal::panic("a lock is held across a task switch");
  fake::Fiber::switch_between(from.fiber, to.fiber);
}
void* Cpu::local() { return Machine::current().local(); }
void Cpu::set_local(void* local) { Machine::current().set_local(local); }
void Cpu::wait_for_interrupt() { Machine::current().wait_for_interrupt(); }
void Cpu::halt() { std::abort(); }

uint64_t Timer::now() { return Machine::current().now(); }
void Timer::set_deadline(uint64_t deadline) { Machine::current().set_deadline(deadline); }

void Irqs::poll() { Machine::current().poll(); }
void Irqs::send_ipi(hal::CpuIndex cpu) { Machine::current().send_ipi(cpu); }

}  // namespace arch
