// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <span>

#include "arch/aarch64/regs/gic.hpp"
#include "hal/base/lock.hpp"

namespace vmm::vgic {

// INTIDs are 14 bits wide (GICD_TYPER.IDbits = 13): LPIs are 8192 to 16383.
inline constexpr unsigned intid_bits = 14;
inline constexpr uint32_t lpi_count = (1u << intid_bits) - arch::gic::first_lpi;

// A bit of the cached configuration byte that the table in guest memory does not use: if a list register still has this
// LPI pending, it is to be dropped when the register is read back.
inline constexpr uint8_t lpi_dropped = 0x02;

// Pending LPIs of one redistributor, one bit each. LPIs have no active state: the CPU interface that takes one forgets
// it.
struct LpiSet {
  static constexpr unsigned word_count = lpi_count / 64;

  hal::SpinLock lock{hal::LockRank::vgic_vcpu};
  // Bit n: words[n] is not zero. Read without the lock as a hint that there is something.
  std::array<std::atomic<uint64_t>, word_count / 64> summary{};
  std::span<uint64_t> words;         // empty in a VM without an ITS
  std::atomic<bool> enabled{false};  // GICR_CTLR.EnableLPIs
  uint64_t propbaser = 0;
  uint64_t pendbaser = 0;

  [[nodiscard]] bool any() const {
    return (summary[0].load(std::memory_order_relaxed) | summary[1].load(std::memory_order_relaxed)) != 0;
  }
  void reset() {
    const hal::LockGuard guard(lock);
    for (uint64_t& word : words) word = 0;
    for (std::atomic<uint64_t>& half : summary) half.store(0, std::memory_order_relaxed);
    enabled.store(false, std::memory_order_relaxed);
    propbaser = pendbaser = 0;
  }
  // The rest with `lock` held; `index` is INTID - 8192.
  [[nodiscard]] bool test(uint32_t index) const { return (words[index / 64] >> (index % 64) & 1) != 0; }
  void set(uint32_t index) PLINTH_REQUIRES(lock) {
    words[index / 64] |= hal::bit(index % 64);
    summary[index / 4096].fetch_or(hal::bit(index / 64 % 64), std::memory_order_relaxed);
  }
  void clear(uint32_t index) PLINTH_REQUIRES(lock) {
    words[index / 64] &= ~hal::bit(index % 64);
    if (words[index / 64] == 0) summary[index / 4096].fetch_and(~hal::bit(index / 64 % 64), std::memory_order_relaxed);
  }
  // Calls visit(index) for every pending LPI in ascending order until it returns false.
  template <class Visit>
  void for_each(Visit visit) const PLINTH_REQUIRES(lock) {
    for (unsigned half = 0; half < summary.size(); ++half) {
      for (uint64_t left = summary[half].load(std::memory_order_relaxed); left != 0; left &= left - 1) {
        const unsigned word = half * 64 + static_cast<unsigned>(std::countr_zero(left));
        for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
          if (!visit(word * 64 + static_cast<uint32_t>(std::countr_zero(bits)))) return;
        }
      }
    }
  }
};

}  // namespace vmm::vgic
