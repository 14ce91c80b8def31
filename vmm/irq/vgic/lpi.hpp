// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <span>

#include "arch/aarch64/regs/gic.hpp"
#include "hal/base/lock.hpp"
#include "vmm/irq/vgic/list_registers.hpp"

namespace vmm::vgic {

// INTIDs are 14 bits wide (GICD_TYPER.IDbits), the least that includes LPIs, and GICD_TYPER.num_LPIs promises the first
// 2048 of those: 8192 to 10239. It keeps a VM's tables within a page or two, and every loop over them short.
inline constexpr unsigned intid_bits = 14;
inline constexpr unsigned lpi_bits = 11;
inline constexpr uint32_t lpi_count = 1u << lpi_bits;

// What becomes of an LPI that is pending in a list register, when that is read back: it stays with its vCPU, is
// dropped, or goes to the vCPU of this number.
using LpiFate = uint8_t;
inline constexpr LpiFate lpi_stays = 0xff;
inline constexpr LpiFate lpi_dropped = 0xfe;

// What a VM knows of an LPI, whichever vCPU it is for.
struct Lpi {
  std::atomic<uint8_t> config{0};  // its byte of the configuration table, as last read

  [[nodiscard]] bool enabled() const {
    return arch::gic::lpi_config::Enable::is_set(config.load(std::memory_order_relaxed));
  }
};

// An LPI in a list register of one vCPU. Another vCPU may hold the same one: it moved, and came again before the first
// has read its list register back. So the fate is the holder's.
struct ListedLpi {
  uint16_t index = 0;
  uint8_t priority = 0;  // as it was listed
  LpiFate fate = lpi_stays;
};

// Pending LPIs of one redistributor, one bit each. LPIs have no active state: the CPU interface that takes one forgets
// it.
struct LpiSet {
  static constexpr unsigned word_count = lpi_count / 64;

  hal::SpinLock lock{hal::LockRank::vgic_vcpu};
  // Bit n: words[n] is not zero. Read without the lock as a hint that there is something.
  std::atomic<uint64_t> summary{0};
  std::span<uint64_t> words;             // empty in a VM without an ITS
  std::atomic<bool> enabled{false};  // GICR_CTLR.EnableLPIs
  // Bit n: list register n holds listed[n]. Read without the lock as a hint, as `summary` is.
  std::atomic<uint32_t> listed_registers{0};
  std::array<ListedLpi, max_list_registers> listed{};
  uint64_t propbaser = 0;
  uint64_t pendbaser = 0;

  [[nodiscard]] bool any() const { return summary.load(std::memory_order_relaxed) != 0; }
  void reset() {
    const hal::LockGuard guard(lock);
    for (uint64_t& word : words) word = 0;
    summary.store(0, std::memory_order_relaxed);
    enabled.store(false, std::memory_order_relaxed);
    listed_registers.store(0, std::memory_order_relaxed);
    propbaser = pendbaser = 0;
  }
  // The rest with `lock` held; `index` is INTID - 8192.
  [[nodiscard]] bool test(uint32_t index) const { return (words[index / 64] >> (index % 64) & 1) != 0; }
  void set(uint32_t index) PLINTH_REQUIRES(lock) { set_word(index / 64, hal::bit(index % 64)); }
  void clear(uint32_t index) PLINTH_REQUIRES(lock) { clear_word(index / 64, hal::bit(index % 64)); }
  void list(unsigned n, ListedLpi lpi) PLINTH_REQUIRES(lock) {
    listed[n] = lpi;
    listed_registers.fetch_or(1u << n, std::memory_order_relaxed);
  }
  // List register n is no longer its.
  ListedLpi unlist(unsigned n) PLINTH_REQUIRES(lock) {
    listed_registers.fetch_and(~(1u << n), std::memory_order_relaxed);
    return listed[n];
  }
  [[nodiscard]] bool any_listed() const { return listed_registers.load(std::memory_order_relaxed) != 0; }
  // Calls visit(ListedLpi&) for each.
  template <class Visit>
  void for_each_listed(Visit visit) PLINTH_REQUIRES(lock) {
    for (uint32_t left = listed_registers.load(std::memory_order_relaxed); left != 0; left &= left - 1) {
      visit(listed[static_cast<unsigned>(std::countr_zero(left))]);
    }
  }
  // The same for LPIs 64 * word and up at once.
  void set_word(unsigned word, uint64_t bits) PLINTH_REQUIRES(lock) {
    words[word] |= bits;
    if (bits != 0) summary.fetch_or(hal::bit(word), std::memory_order_relaxed);
  }
  void clear_word(unsigned word, uint64_t bits) PLINTH_REQUIRES(lock) {
    words[word] &= ~bits;
    if (words[word] == 0) summary.fetch_and(~hal::bit(word), std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t take_word(unsigned word) PLINTH_REQUIRES(lock) {
    const uint64_t bits = words[word];
    clear_word(word, bits);
    return bits;
  }
  // Calls visit(index) for every pending LPI in ascending order until it returns false. It may clear that one.
  template <class Visit>
  void for_each(Visit visit) const PLINTH_REQUIRES(lock) {
    for (uint64_t left = summary.load(std::memory_order_relaxed); left != 0; left &= left - 1) {
      const auto word = static_cast<unsigned>(std::countr_zero(left));
      for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
        if (!visit(word * 64 + static_cast<uint32_t>(std::countr_zero(bits)))) return;
      }
    }
  }
};
static_assert(LpiSet::word_count <= 64, "one word sums them up");

}  // namespace vmm::vgic
