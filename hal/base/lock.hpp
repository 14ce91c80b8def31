// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

// Clang's thread-safety analysis (-Wthread-safety) reads these.
#define PLINTH_CAPABILITY(name)  __attribute__((capability(name)))
#define PLINTH_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define PLINTH_GUARDED_BY(lock)  __attribute__((guarded_by(lock)))
#define PLINTH_REQUIRES(...)     __attribute__((requires_capability(__VA_ARGS__)))
#define PLINTH_ACQUIRE(...)      __attribute__((acquire_capability(__VA_ARGS__)))
#define PLINTH_RELEASE(...)      __attribute__((release_capability(__VA_ARGS__)))
#define PLINTH_EXCLUDES(...)     __attribute__((locks_excluded(__VA_ARGS__)))
#define PLINTH_NO_THREAD_SAFETY  __attribute__((no_thread_safety_analysis))

namespace hal {

// Lock order: a CPU that holds a lock may take only locks of a HIGHER rank. docs/locking.md explains the order; a build
// with PLINTH_CHECK_LOCKS (host tests) verifies it at run time.
enum class LockRank : uint8_t {
  vm_list = 10,        // vmm: the list of VMs
  vm_lifecycle = 20,   // vmm: one VM's state machine
  psci = 30,           // vmm: one VM's vCPU power states
  device = 40,         // vmm: one emulated device
  network = 41,        // vmm: who is on one network
  network_port = 42,   // vmm: buffers of one network device that frames of others go to
  device_alarms = 45,  // vmm: when the devices of one board want to be called
  pci_function = 46,   // vmm: one function's configuration space
  pci_lines = 47,      // vmm: what the functions of one bus drive together
  its = 49,
  vgic_distributor = 50,
  vgic_vcpu = 51,
  interrupt_inputs = 52,  // vmm: a controller behind which devices are (LoongArch's PCH-PIC)
  interrupt_router = 53,  // vmm: one that routes to vCPUs (EIOINTC)
  interrupt_source = 54,  // vmm: interprocessor interrupts of one vCPU
  guest_space = 60,  // mm: one VM's stage-2 tables
  task_list = 65,    // task: the list of all tasks, and who owns which CPU
  wait_queue = 70,   // task: one wait queue
  timer_queue = 72,  // task: one CPU's timers
  host_space = 79,   // mm: the hypervisor's own tables
  heap = 80,
  frames = 81,
  irq_controller = 85,
  console = 90,  // rings and the host UART: anything may log
  none = 255,    // leaf, never held while taking another
};

// What a CPU does, again and again, while it waits for another: a hint instruction, and what other CPUs ask of it where
// they can only ask (hal/base/cpu_requests.hpp). Takes no lock. Defined by arch/ and by tests/fakes.
void cpu_relax();

// A ticket lock: fair between CPUs. Never held across a task switch. At EL2/PLV0 the hypervisor runs with interrupts
// masked, so there is no interrupt-saving variant.
class PLINTH_CAPABILITY("spin lock") SpinLock {
 public:
#ifdef PLINTH_CHECK_LOCKS
  constexpr explicit SpinLock(LockRank rank) : rank_(rank) {}
#else
  constexpr explicit SpinLock(LockRank) {}
#endif
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() PLINTH_ACQUIRE() {
    entering();
    const uint16_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    if (serving_.load(std::memory_order_acquire) != ticket) wait_for(ticket);
  }
  void unlock() PLINTH_RELEASE() {
    leaving();
    serving_.store(static_cast<uint16_t>(serving_.load(std::memory_order_relaxed) + 1), std::memory_order_release);
  }
  [[nodiscard]] bool is_held() const {
    return serving_.load(std::memory_order_relaxed) != next_.load(std::memory_order_relaxed);
  }
#ifdef PLINTH_CHECK_LOCKS
  [[nodiscard]] LockRank rank() const { return rank_; }
#endif

 private:
  // Apart from the way of a lock that is free, which every user has a copy of.
  [[gnu::cold]] void wait_for(uint16_t ticket) const;

#ifdef PLINTH_CHECK_LOCKS
  void entering();
  void leaving();
  const LockRank rank_;
#else
  void entering() {}
  void leaving() {}
#endif

  std::atomic<uint16_t> next_{0};
  std::atomic<uint16_t> serving_{0};
};

class PLINTH_SCOPED_CAPABILITY LockGuard {
 public:
  explicit LockGuard(SpinLock& lock) PLINTH_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~LockGuard() PLINTH_RELEASE() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  SpinLock& lock_;
};

#ifdef PLINTH_CHECK_LOCKS
// How many locks this thread holds; none across a task switch.
[[nodiscard]] unsigned held_locks();
#endif

}  // namespace hal
