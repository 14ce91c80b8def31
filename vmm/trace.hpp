// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/format.hpp"
#include "hal/cpu_index.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// What a trace tells. docs/tracing.md explains the arguments.
enum class TraceEvent : uint8_t {
  run,     // the vCPU takes the CPU
  leave,   // the vCPU gives it away
  exit,    // guest -> hypervisor; detail: ExitClass
  enter,   // hypervisor -> guest
  device,  // an emulated register; detail: 1 for a write; argument: guest physical address
  call,    // firmware or hypercall; detail: function
  inject,  // an interrupt becomes pending for the guest; detail: its number
  wait,    // blocks for an interrupt
  wake,    // is woken
  state,   // the VM changed its state; detail: VmState
};
inline constexpr size_t trace_events = 10;
[[nodiscard]] std::string_view name(TraceEvent event);

// Who it is about.
struct TraceSubject {
  uint16_t vm;
  uint8_t vcpu;
};

// Events in the order in which they happened, one ring per CPU, the oldest overwritten. Always compiled in, and
// switched off until somebody asks: a trace point then costs one load and one branch.
//
//     storage   [ CPU 0: 2^n records | CPU 1: 2^n records | ... ]
//
// put() is called on the CPU whose ring it is, with interrupts masked, so rings need no lock. start(), stop() and
// dump() come from one task at a time.
class Tracer {
 public:
  // Three words, atomic because a dump may read what is being written.
  struct Record {
    std::atomic<uint64_t> ticks;
    std::atomic<uint64_t> what;  // vm, vcpu, event, detail
    std::atomic<uint64_t> argument;
  };

  constexpr Tracer() = default;
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Forget the records there were and begin. `storage` is shared out among CPUs 0..cpus-1 and belongs to the tracer
  // from now on; later calls give the same. False: not even two records for each.
  [[nodiscard]] bool start(std::span<Record> storage, unsigned cpus);
  void stop() { enabled_.store(false, std::memory_order_relaxed); }
  [[nodiscard]] bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  void put(hal::CpuIndex cpu, uint64_t ticks, TraceSubject subject, TraceEvent event, uint32_t detail,
           uint64_t argument);

  // Everything that is kept, a line per record, as docs/tracing.md says; `frequency`: ticks per second.
  void dump(hal::TextSink& sink, uint64_t frequency) const;

 private:
  struct alignas(64) Ring {
    Record* records = nullptr;
    std::atomic<uint64_t> written{0};
  };

  void dump_ring(hal::TextSink& sink, hal::CpuIndex cpu) const;
  // Records of a ring that cannot be overwritten at this moment.
  [[nodiscard]] uint64_t kept(const Ring& ring) const;

  std::atomic<bool> enabled_{false};
  unsigned cpus_ = 0;
  uint64_t capacity_ = 0;  // records per CPU, a power of two
  std::array<Ring, hal::max_cpus> rings_;
};

}  // namespace vmm
