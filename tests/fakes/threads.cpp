// SPDX-License-Identifier: Apache-2.0
#include "threads.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "fiber.hpp"
#include "hal/upcall.hpp"

namespace fake {

struct ThreadedMachine::FakeCpu {
  void* local = nullptr;
  std::mutex mutex;
  std::condition_variable interrupt;
  std::atomic<bool> ipi{false};
  uint64_t deadline = UINT64_MAX;  // its own thread's
  Fiber boot;
  Fiber thread;
  std::function<void()> body;
};

thread_local ThreadedMachine::FakeCpu* ThreadedMachine::here_ = nullptr;

// A task may continue on another thread after a switch: the address of thread-local data must not be kept across one.
[[gnu::noinline]] ThreadedMachine::FakeCpu& ThreadedMachine::here() { return *here_; }

ThreadedMachine::ThreadedMachine(unsigned cpus) {
  for (unsigned i = 0; i < cpus; ++i) cpus_.push_back(std::make_unique<FakeCpu>());
}
ThreadedMachine::~ThreadedMachine() = default;

void ThreadedMachine::start(hal::CpuIndex index, std::function<void()> body) {
  FakeCpu& cpu = *cpus_[index];
  cpu.body = std::move(body);
  cpu.boot.prepare([](void* fake_cpu) { static_cast<FakeCpu*>(fake_cpu)->body(); }, &cpu);
  std::thread([&cpu] {
    here_ = &cpu;
    Fiber::switch_between(cpu.thread, cpu.boot);
  }).detach();
}

void* ThreadedMachine::local() { return here().local; }
void ThreadedMachine::set_local(void* local) { here().local = local; }

uint64_t ThreadedMachine::now() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

void ThreadedMachine::wait_for_interrupt() {
  FakeCpu& cpu = here();
  std::unique_lock lock(cpu.mutex);
  const auto pending = [&] { return cpu.ipi.load(); };
  if (cpu.deadline == UINT64_MAX) {
    cpu.interrupt.wait(lock, pending);
  } else {
    const auto due = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(cpu.deadline));
    cpu.interrupt.wait_until(lock, due, pending);
  }
}

void ThreadedMachine::set_deadline(uint64_t deadline) { here().deadline = deadline; }

void ThreadedMachine::poll() {
  FakeCpu& cpu = here();
  if (cpu.ipi.exchange(false)) hal::upcall::interrupted_by_cpu();
  if (cpu.deadline <= now()) hal::upcall::timer_expired();
}

void ThreadedMachine::send_ipi(hal::CpuIndex index) {
  FakeCpu& cpu = *cpus_[index];
  const std::lock_guard lock(cpu.mutex);
  cpu.ipi.store(true);
  cpu.interrupt.notify_one();
}

uint64_t ThreadedMachine::run_guest(uint64_t ticks) {
  FakeCpu& cpu = here();
  const uint64_t start = now();
  while (!cpu.ipi.load() && now() < cpu.deadline && now() - start < ticks) std::this_thread::yield();
  poll();
  return now() - start;
}

}  // namespace fake
