// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "hal/boot_memory.hpp"
#include "hal/mmu.hpp"
#include "mm/error.hpp"

namespace mm {

// The direct map: all RAM, at one fixed distance. `place` lies below hal::Mmu::direct_map_size.
[[nodiscard]] inline void* to_virt(hal::HostPhys place) {
  return reinterpret_cast<void*>(hal::Mmu::direct_map_base.value() + place.value());
}
template <class T>
[[nodiscard]] T* to_virt_as(hal::HostPhys place) {
  return static_cast<T*>(to_virt(place));
}
// Only for addresses that to_virt() gave.
[[nodiscard]] inline hal::HostPhys to_phys(const void* place) {
  return hal::HostPhys(reinterpret_cast<uintptr_t>(place) - hal::Mmu::direct_map_base.value());
}

// A block is 2^order frames, aligned to its size: order 0 is 4 KiB, 9 is 2 MiB, 18 is 1 GiB.
using Order = unsigned;
inline constexpr Order max_order = 18;
[[nodiscard]] constexpr uint64_t block_size(Order order) { return hal::page_size << order; }
// The smallest order whose block holds `bytes` (at least 1, at most 1 GiB).
[[nodiscard]] Order order_for(uint64_t bytes);

// What a frame in use is used for. Each has its own count, so that a leak has a name.
enum class FrameUse : uint8_t {
  hypervisor,  // what boot took before the allocator worked, and its own state
  table,       // translation tables, host and guest
  heap,        // mm/heap.hpp
  stack,       // stacks of tasks and CPUs
  guest,       // guest RAM
};
inline constexpr size_t frame_uses = 5;
[[nodiscard]] std::string_view name(FrameUse use);

struct FrameCounts {
  uint64_t total = 0;  // free + dirty + the sum of used
  uint64_t free = 0;
  uint64_t dirty = 0;  // given back, not scrubbed yet
  std::array<uint64_t, frame_uses> used{};

  [[nodiscard]] uint64_t in_use(FrameUse use) const { return used[static_cast<size_t>(use)]; }
  friend bool operator==(const FrameCounts&, const FrameCounts&) = default;
};

enum class Contents : uint8_t {
  clean,  // as the firmware left it at boot, or zero: nothing that a guest or the hypervisor wrote
  zeroed,
};

// Buddy allocator over all usable RAM.
//
//     byte per frame:  free head | dirty head | used head (use, order) | inner
//     free lists:      one per order, linked through the free blocks themselves
//
// A block and its buddy (the address with bit `order` flipped) merge as soon as both are free. One byte of metadata per
// frame (256 KiB per GiB of RAM), allocated from the memory it describes.
//
// Free memory is clean: no guest and no part of the hypervisor reads what another wrote. free() zeroes the few frames
// of the hypervisor at once; guest RAM goes through free_dirty(), which parks it, and scrub_some(), which zeroes a
// bounded piece at a time, so that a task can yield in between.
//
// Any CPU may call; one lock (rank frames), held for O(orders) steps and never while memory is zeroed.
class FrameAllocator {
 public:
  constexpr FrameAllocator() = default;
  FrameAllocator(const FrameAllocator&) = delete;
  FrameAllocator& operator=(const FrameAllocator&) = delete;

  // --- once, at boot -----------------------------------------------------------------------------------------------

  static constexpr size_t max_ranges = hal::max_memory_pieces;
  // Bytes of metadata that `ranges` need.
  [[nodiscard]] static size_t metadata_size(std::span<const hal::HostPhysRange> ranges);
  // Describe `ranges` (page-aligned, disjoint, at most max_ranges) by `metadata`. All frames start in use by
  // the hypervisor. Errors: out_of_range when there are too many ranges or too little metadata.
  hal::Result<void, MmError> init(std::span<const hal::HostPhysRange> ranges, std::span<std::byte> metadata);
  // Give frames that start in use to the allocator. `range` is page-aligned and lies in one range of init().
  void release_at_boot(hal::HostPhysRange range);

  // --- any time ----------------------------------------------------------------------------------------------------

  // Errors: out_of_memory, also when only dirty blocks would do: see scrub_some().
  hal::Result<hal::HostPhys, MmError> allocate(Order order, FrameUse use, Contents contents = Contents::clean);
  // Zero the block and make it free. `block`, `order` and `use` as allocated; anything else is a bug of ours and
  // panics.
  void free(hal::HostPhys block, Order order, FrameUse use);
  // The same without zeroing, for a block that nobody has written since allocate().
  void free_untouched(hal::HostPhys block, Order order, FrameUse use);
  // The same for memory that a guest may have written: it becomes free by scrub_some().
  void free_dirty(hal::HostPhys block, Order order, FrameUse use);
  // Scrub at most about `bytes` of dirty memory and make it free. False when nothing dirty was left.
  bool scrub_some(uint64_t bytes);

  // The order of the used block that starts here; it has to.
  [[nodiscard]] Order order_of(hal::HostPhys block) const;
  [[nodiscard]] FrameCounts counts() const;
  // The largest order that allocate() could serve now, if any.
  [[nodiscard]] std::optional<Order> largest_free() const;

 private:
  struct Block : hal::ListNode<> {};
  struct Zone {
    hal::HostPhysRange range;
    uint8_t* states = nullptr;  // one per frame
  };
  using BlockLists = std::array<hal::List<Block>, max_order + 1>;

  [[nodiscard]] const Zone& zone_of(hal::HostPhys place) const;
  [[nodiscard]] uint8_t& state(hal::HostPhys place) const;
  void link(hal::List<Block>& list, hal::HostPhys block, uint8_t new_state) PLINTH_REQUIRES(lock_);
  void unlink(hal::HostPhys block) PLINTH_REQUIRES(lock_);
  [[nodiscard]] std::optional<hal::HostPhys> take(BlockLists& lists, uint8_t kind, Order order) PLINTH_REQUIRES(lock_);
  [[nodiscard]] std::optional<hal::HostPhys> take_dirty(Order& order) PLINTH_REQUIRES(lock_);
  void insert_free(hal::HostPhys block, Order order) PLINTH_REQUIRES(lock_);
  void give_back(hal::HostPhys block, Order order, FrameUse use) PLINTH_REQUIRES(lock_);

  mutable hal::SpinLock lock_{hal::LockRank::frames};
  std::array<Zone, max_ranges> zones_{};  // constant after init()
  size_t zone_count_ = 0;
  BlockLists free_ PLINTH_GUARDED_BY(lock_);
  BlockLists dirty_ PLINTH_GUARDED_BY(lock_);
  FrameCounts counts_ PLINTH_GUARDED_BY(lock_);
};

// The machine's allocator; mm::init() makes it.
FrameAllocator& make_frames();
[[nodiscard]] FrameAllocator& frames();

// A block that goes back by itself.
class OwnedFrames {
 public:
  constexpr OwnedFrames() = default;
  OwnedFrames(OwnedFrames&& other) noexcept;
  OwnedFrames& operator=(OwnedFrames&& other) noexcept;
  ~OwnedFrames() { reset(); }

  static hal::Result<OwnedFrames, MmError> allocate(FrameAllocator& allocator, Order order, FrameUse use,
                                                    Contents contents = Contents::clean);

  [[nodiscard]] explicit operator bool() const { return allocator_ != nullptr; }
  [[nodiscard]] hal::HostPhys place() const { return place_; }
  [[nodiscard]] uint64_t size() const { return block_size(order_); }
  [[nodiscard]] std::span<std::byte> bytes() const { return {to_virt_as<std::byte>(place_), size()}; }
  // Hand the block over to somebody who frees it otherwise.
  hal::HostPhys release();
  void reset();

 private:
  FrameAllocator* allocator_ = nullptr;
  hal::HostPhys place_;
  Order order_ = 0;
  FrameUse use_ = FrameUse::hypervisor;
};

}  // namespace mm
