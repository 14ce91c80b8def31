// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// The interrupt lines of a VM's vCPUs, as the interrupt controllers around them drive them. The bits of a word are
// those of ESTAT.IS (volume 1, 7.4.5): HWI0 to HWI7 from 2 on, IPI 12. SWI0 is no line but an event: take() ends it.
//
// Levels: whoever runs a vCPU copies its word into the CPU before each entry. A line that rises or falls kicks the vCPU:
// its guest must not take an interrupt that the read of a register, which nobody else looks behind, has ended.
// No lock; callable with any held that ranks below `wait_queue`.
class CpuLines {
 public:
  static constexpr uint32_t software0 = 1U << 0;
  static constexpr unsigned hwi0 = 2;
  static constexpr unsigned hwi_count = 8;
  static constexpr uint32_t hwi_mask = ((1U << hwi_count) - 1) << hwi0;
  static constexpr uint32_t ipi = 1U << 12;

  explicit CpuLines(VcpuKicker& kicker) : kicker_(kicker) {}

  // Those of `mask` become as in `levels`.
  void drive(VcpuIndex vcpu, uint32_t mask, uint32_t levels) {
    std::atomic<uint32_t>& word = words_[vcpu];
    uint32_t old = word.load(std::memory_order_relaxed);
    uint32_t fresh;
    do {
      fresh = (old & ~mask) | (levels & mask);
      if (fresh == old) return;
    } while (!word.compare_exchange_weak(old, fresh, std::memory_order_acq_rel));
    kicker_.kick(vcpu);
  }
  [[nodiscard]] uint32_t lines(VcpuIndex vcpu) const { return words_[vcpu].load(std::memory_order_acquire); }
  // Those of `mask` that were high; they are low now.
  [[nodiscard]] uint32_t take(VcpuIndex vcpu, uint32_t mask) {
    return words_[vcpu].fetch_and(~mask, std::memory_order_acq_rel) & mask;
  }
  // All low. The VM is stopped.
  void reset() {
    for (auto& word : words_) word.store(0, std::memory_order_relaxed);
  }

 private:
  VcpuKicker& kicker_;
  std::array<std::atomic<uint32_t>, max_vcpus> words_{};
};

}  // namespace vmm::loongson
