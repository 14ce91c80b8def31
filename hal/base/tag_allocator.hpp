// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>

#include "hal/base/bits.hpp"
#include "hal/base/lock.hpp"

namespace hal {

// Who hands out the identifiers by which TLBs tell translations apart. Two ways, by what hardware wants: one tag for
// all CPUs (TagAllocator: a VMID for each VM), or one for each CPU (CpuTagAllocator in cpu_tags.hpp: an identifier for
// each vCPU where it runs). Either way identifier 0 is nobody's, a tag keeps its identifier while it is current, and no
// TLB ever holds translations of two tags under one identifier.
template <class A>
concept TagSource = requires(A allocator, typename A::Tag& tag, unsigned number, void (*flush_all)()) {
  // How many bits an identifier has; before the first acquire().
  { allocator.set_bits(number) } -> std::same_as<void>;
  // The identifier of `tag` on CPU `number`, until that CPU acquires another; the CPU itself asks. Calls `flush_all`
  // when identifiers ran out.
  { allocator.acquire(number, tag, flush_all) } -> std::same_as<uint64_t>;
};

// The TLB tag (VMID) of one address space: an identifier, valid as long as its generation is the allocator's.
// Generation 0 never is, so a fresh tag has no identifier.
struct AddressSpaceTag {
  std::atomic<uint64_t> value{0};  // generation << id_bits | id

  static constexpr unsigned id_bits = 16;
  [[nodiscard]] static constexpr uint64_t id_of(uint64_t value) { return value & low_mask(id_bits); }
  [[nodiscard]] static constexpr uint64_t generation_of(uint64_t value) { return value >> id_bits; }
};

// Hands out identifiers 1..2^bits-1 for any number of address spaces. When they run out, a new generation begins: every
// identifier is free again but those in use on a CPU at that moment, and all TLBs are flushed once. No flush otherwise.
//
// `MaxCpus` CPUs call acquire(); one lock (rank none), taken only for a tag of an older generation.
template <unsigned MaxCpus>
class TagAllocator {
 public:
  using Tag = AddressSpaceTag;

  // Before the first acquire(), and again when another CPU implements fewer. `bits` is what every CPU implements, at
  // most 16.
  void set_bits(unsigned bits) {
    last_id_ = low_mask(bits);
    if (generation() == 0) generation_.store(1, std::memory_order_relaxed);
  }

  // The identifier of `tag`, for use on `cpu` until that CPU acquires another. `flush_all` makes every CPU forget every
  // tagged translation; called with the lock held when a generation ends.
  template <class FlushAll>
  [[nodiscard]] uint64_t acquire(unsigned cpu, AddressSpaceTag& tag, FlushAll flush_all) {
    const uint64_t value = tag.value.load(std::memory_order_acquire);
    // A CPU is marked before the tag is looked at again: a generation that ends meanwhile sees the mark.
    active_[cpu].store(&tag, std::memory_order_seq_cst);
    if (is_current(value) && tag.value.load(std::memory_order_seq_cst) == value &&
        generation_.load(std::memory_order_seq_cst) == AddressSpaceTag::generation_of(value)) {
      return AddressSpaceTag::id_of(value);
    }
    const LockGuard guard(lock_);
    if (!is_current(tag.value.load(std::memory_order_relaxed))) assign(tag, flush_all);
    return AddressSpaceTag::id_of(tag.value.load(std::memory_order_relaxed));
  }

  // Does any CPU hold translations under this tag? Not if it belongs to an older generation.
  [[nodiscard]] bool is_current(const AddressSpaceTag& tag) const {
    return is_current(tag.value.load(std::memory_order_acquire));
  }

  // The tag goes away: no CPU refers to it after this. Its identifier stays taken until the generation ends.
  void forget(const AddressSpaceTag& tag) {
    const LockGuard guard(lock_);
    if (tag.value.load(std::memory_order_relaxed) != 0) --known_;
    for (auto& active : active_) {
      if (active.load(std::memory_order_relaxed) == &tag) active.store(nullptr, std::memory_order_relaxed);
    }
  }

  // Tags that were given an identifier and not forgotten.
  [[nodiscard]] unsigned known() {
    const LockGuard guard(lock_);
    return known_;
  }

  [[nodiscard]] uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool is_current(uint64_t value) const {
    return AddressSpaceTag::generation_of(value) == generation_.load(std::memory_order_acquire);
  }

  template <class FlushAll>
  void assign(AddressSpaceTag& tag, FlushAll flush_all) PLINTH_REQUIRES(lock_) {
    while (true) {
      while (newest_id_ < last_id_) {
        const uint64_t id = ++newest_id_;
        if (is_carried_over(id)) continue;
        if (tag.value.load(std::memory_order_relaxed) == 0) ++known_;
        tag.value.store(generation_.load(std::memory_order_relaxed) << AddressSpaceTag::id_bits | id,
                        std::memory_order_release);
        return;
      }
      begin_generation(flush_all);
      if (is_current(tag.value.load(std::memory_order_relaxed))) return;  // in use on some CPU: it was carried over
    }
  }

  template <class FlushAll>
  void begin_generation(FlushAll flush_all) PLINTH_REQUIRES(lock_) {
    const uint64_t old = generation_.load(std::memory_order_relaxed);
    generation_.store(old + 1, std::memory_order_seq_cst);
    carried_over_ = {};
    for (unsigned cpu = 0; cpu < MaxCpus; ++cpu) {
      AddressSpaceTag* const tag = active_[cpu].load(std::memory_order_seq_cst);
      if (tag == nullptr) continue;
      const uint64_t value = tag->value.load(std::memory_order_relaxed);
      if (AddressSpaceTag::generation_of(value) != old) continue;
      tag->value.store((old + 1) << AddressSpaceTag::id_bits | AddressSpaceTag::id_of(value),
                       std::memory_order_release);
      carried_over_[cpu] = AddressSpaceTag::id_of(value);
    }
    newest_id_ = 0;
    flush_all();
  }

  // Was `id` in use when this generation began? Then it stays taken, also when its CPU has moved on to another tag: the
  // tag is valid, and TLBs remember it.
  [[nodiscard]] bool is_carried_over(uint64_t id) const PLINTH_REQUIRES(lock_) {
    return std::ranges::find(carried_over_, id) != carried_over_.end();
  }

  SpinLock lock_{LockRank::none};
  // All zero before set_bits(), so that a global one takes no room in the image.
  std::atomic<uint64_t> generation_{0};
  uint64_t newest_id_ PLINTH_GUARDED_BY(lock_) = 0;  // 1 to this were handed out in this generation
  uint64_t last_id_ = 0;
  unsigned known_ PLINTH_GUARDED_BY(lock_) = 0;
  std::array<uint64_t, MaxCpus> carried_over_ PLINTH_GUARDED_BY(lock_){};  // identifiers; 0: none
  std::array<std::atomic<AddressSpaceTag*>, MaxCpus> active_{};
};

static_assert(TagSource<TagAllocator<1>>);

}  // namespace hal
