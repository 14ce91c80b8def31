// SPDX-License-Identifier: Apache-2.0
#include "mm/frames.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "hal/base/bits.hpp"
#include "hal/base/made_at_boot.hpp"
#include "hal/base/panic.hpp"

namespace mm {
namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::page_size;

// The state of a frame: what begins here, and its order. Frames inside a block are `inner`.
//
//      7     5 4      0
//     +-------+--------+
//     | kind  | order  |     kind: 0 inner, 1..5 in use (FrameUse + 1), 6 dirty, 7 free
//     +-------+--------+
constexpr uint8_t inner = 0;
constexpr uint8_t kind_dirty = 6;
constexpr uint8_t kind_free = 7;
static_assert(frame_uses < kind_dirty, "every use has a kind of its own");

constexpr uint8_t pack(uint8_t kind, Order order) { return static_cast<uint8_t>(kind << 5 | order); }
constexpr uint8_t pack(FrameUse use, Order order) {
  return pack(static_cast<uint8_t>(static_cast<uint8_t>(use) + 1), order);
}
constexpr uint8_t kind_of(uint8_t state) { return state >> 5; }
constexpr Order order_in(uint8_t state) { return state & 0x1f; }
constexpr bool is_used(uint8_t state) { return kind_of(state) != 0 && kind_of(state) < kind_dirty; }

constexpr uint64_t frames_in(uint64_t bytes) { return bytes / page_size; }
constexpr uint64_t block_frames(Order order) { return uint64_t{1} << order; }
HostPhys buddy_of(HostPhys block, Order order) { return HostPhys(block.value() ^ block_size(order)); }

// The largest block that starts at `place` and fits into `bytes`.
Order largest_order(HostPhys place, uint64_t bytes) {
  const Order fits = static_cast<Order>(std::bit_width(frames_in(bytes))) - 1;
  const Order aligned = static_cast<Order>(std::countr_zero(place.value() | block_size(max_order))) - 12;
  return std::min({fits, aligned, max_order});
}

constinit hal::MadeAtBoot<FrameAllocator> the_frames;

}  // namespace

FrameAllocator& make_frames() { return the_frames.make(); }
FrameAllocator& frames() { return the_frames.get(); }

Order order_for(uint64_t bytes) { return static_cast<Order>(std::bit_width((bytes - 1) / page_size)); }

std::string_view name(FrameUse use) {
  static constexpr std::array<std::string_view, frame_uses> names{"hypervisor", "tables", "heap", "stacks", "guests"};
  return names[static_cast<size_t>(use)];
}

// --- boot ------------------------------------------------------------------------------------------------------------

size_t FrameAllocator::metadata_size(std::span<const HostPhysRange> ranges) {
  size_t frames = 0;
  for (const HostPhysRange& range : ranges) frames += frames_in(range.size);
  return frames;
}

hal::Result<void, MmError> FrameAllocator::init(std::span<const HostPhysRange> ranges, std::span<std::byte> metadata) {
  if (ranges.size() > max_ranges || metadata.size() < metadata_size(ranges)) return hal::fail(MmError::out_of_range);
  const hal::LockGuard guard(lock_);
  std::memset(metadata.data(), pack(FrameUse::hypervisor, 0), metadata_size(ranges));
  uint8_t* states = reinterpret_cast<uint8_t*>(metadata.data());
  for (const HostPhysRange& range : ranges) {
    zones_[zone_count_++] = {.range = range, .states = states};
    states += frames_in(range.size);
    counts_.total += frames_in(range.size);
  }
  counts_.used[static_cast<size_t>(FrameUse::hypervisor)] = counts_.total;
  return {};
}

void FrameAllocator::release_at_boot(HostPhysRange range) {
  const hal::LockGuard guard(lock_);
  std::memset(&state(range.start), inner, frames_in(range.size));
  counts_.used[static_cast<size_t>(FrameUse::hypervisor)] -= frames_in(range.size);
  while (!range.empty()) {
    const Order order = largest_order(range.start, range.size);
    insert_free(range.start, order);
    range = {range.start + block_size(order), range.size - block_size(order)};
  }
}

// --- states and lists ------------------------------------------------------------------------------------------------

const FrameAllocator::Zone& FrameAllocator::zone_of(HostPhys place) const {
  for (const Zone& zone : std::span(zones_).first(zone_count_)) {
    if (zone.range.contains(place)) return zone;
  }
  hal::panic("a frame outside all usable RAM");
}

uint8_t& FrameAllocator::state(HostPhys place) const {
  const Zone& zone = zone_of(place);
  return zone.states[frames_in(place - zone.range.start)];
}

void FrameAllocator::link(hal::List<Block>& list, HostPhys block, uint8_t new_state) {
  state(block) = new_state;
  list.push_front(*new (to_virt(block)) Block);
}

// Leaves no trace of the list in the block: its next owner may be a guest.
void FrameAllocator::unlink(HostPhys block) {
  Block* const node = to_virt_as<Block>(block);
  hal::List<Block>::remove(*node);
  std::memset(static_cast<void*>(node), 0, sizeof(Block));
  state(block) = inner;
}

// The lower part of the smallest block that is large enough; the rest stays in the lists.
std::optional<HostPhys> FrameAllocator::take(BlockLists& lists, uint8_t kind, Order order) {
  Order found = order;
  while (found <= max_order && lists[found].empty()) ++found;
  if (found > max_order) return std::nullopt;
  const HostPhys block = to_phys(lists[found].front());
  unlink(block);
  while (found > order) {
    --found;
    link(lists[found], block + block_size(found), pack(kind, found));
  }
  return block;
}

// Some dirty block of at most 2^order frames; `order` becomes its order.
std::optional<HostPhys> FrameAllocator::take_dirty(Order& order) {
  for (Order smaller = order + 1; smaller-- > 0;) {
    if (dirty_[smaller].empty()) continue;
    order = smaller;
    return take(dirty_, kind_dirty, smaller);
  }
  return take(dirty_, kind_dirty, order);
}

void FrameAllocator::insert_free(HostPhys block, Order order) {
  counts_.free += block_frames(order);
  const Zone& zone = zone_of(block);
  while (order < max_order) {
    const HostPhys buddy = buddy_of(block, order);
    if (!zone.range.contains(HostPhysRange{buddy, block_size(order)})) break;
    if (state(buddy) != pack(kind_free, order)) break;
    unlink(buddy);
    state(block) = inner;
    block = std::min(block, buddy);
    ++order;
  }
  link(free_[order], block, pack(kind_free, order));
}

void FrameAllocator::give_back(HostPhys block, Order order, FrameUse use) {
  if (state(block) != pack(use, order)) hal::panic("freed a frame that is not allocated like that");
  state(block) = inner;
  counts_.used[static_cast<size_t>(use)] -= block_frames(order);
}

// --- any time --------------------------------------------------------------------------------------------------------

hal::Result<HostPhys, MmError> FrameAllocator::allocate(Order order, FrameUse use, Contents contents) {
  if (order > max_order) return hal::fail(MmError::out_of_memory);
  lock_.lock();
  const std::optional<HostPhys> block = take(free_, kind_free, order);
  if (block) {
    state(*block) = pack(use, order);
    counts_.free -= block_frames(order);
    counts_.used[static_cast<size_t>(use)] += block_frames(order);
  }
  lock_.unlock();
  if (!block) return hal::fail(MmError::out_of_memory);
  if (contents == Contents::zeroed) hal::Mmu::zero_pages(to_virt(*block), block_size(order));
  return *block;
}

void FrameAllocator::free(HostPhys block, Order order, FrameUse use) {
  hal::Mmu::zero_pages(to_virt(block), block_size(order));
  free_untouched(block, order, use);
}

void FrameAllocator::free_untouched(HostPhys block, Order order, FrameUse use) {
  const hal::LockGuard guard(lock_);
  give_back(block, order, use);
  insert_free(block, order);
}

void FrameAllocator::free_dirty(HostPhys block, Order order, FrameUse use) {
  const hal::LockGuard guard(lock_);
  give_back(block, order, use);
  counts_.dirty += block_frames(order);
  link(dirty_[order], block, pack(kind_dirty, order));
}

bool FrameAllocator::scrub_some(uint64_t bytes) {
  uint64_t left = bytes;
  while (true) {
    Order order = std::min(max_order, static_cast<Order>(std::bit_width(std::max(frames_in(left), uint64_t{1}))) - 1);
    lock_.lock();
    const std::optional<HostPhys> block = take_dirty(order);
    if (block) state(*block) = pack(FrameUse::hypervisor, order);
    lock_.unlock();
    if (!block) return false;

    hal::Mmu::zero_pages(to_virt(*block), block_size(order));

    const hal::LockGuard guard(lock_);
    state(*block) = inner;
    counts_.dirty -= block_frames(order);
    insert_free(*block, order);
    if (left <= block_size(order)) return counts_.dirty != 0;
    left -= block_size(order);
  }
}

Order FrameAllocator::order_of(HostPhys block) const {
  const uint8_t now = state(block);
  if (!is_used(now)) hal::panic("asked for the order of a block that is not allocated");
  return order_in(now);
}

FrameCounts FrameAllocator::counts() const {
  const hal::LockGuard guard(lock_);
  return counts_;
}

std::optional<Order> FrameAllocator::largest_free() const {
  const hal::LockGuard guard(lock_);
  for (Order order = max_order + 1; order-- > 0;) {
    if (!free_[order].empty()) return order;
  }
  return std::nullopt;
}

// --- ownership -------------------------------------------------------------------------------------------------------

hal::Result<OwnedFrames, MmError> OwnedFrames::allocate(FrameAllocator& allocator, Order order, FrameUse use,
                                                        Contents contents) {
  OwnedFrames owned;
  owned.place_ = TRY(allocator.allocate(order, use, contents));
  owned.allocator_ = &allocator;
  owned.order_ = order;
  owned.use_ = use;
  return owned;
}

OwnedFrames::OwnedFrames(OwnedFrames&& other) noexcept
    : allocator_(std::exchange(other.allocator_, nullptr)),
      place_(other.place_),
      order_(other.order_),
      use_(other.use_) {}

OwnedFrames& OwnedFrames::operator=(OwnedFrames&& other) noexcept {
  if (this == &other) return *this;
  reset();
  allocator_ = std::exchange(other.allocator_, nullptr);
  place_ = other.place_;
  order_ = other.order_;
  use_ = other.use_;
  return *this;
}

HostPhys OwnedFrames::release() {
  allocator_ = nullptr;
  return place_;
}

void OwnedFrames::reset() {
  if (allocator_ != nullptr) std::exchange(allocator_, nullptr)->free(place_, order_, use_);
}

}  // namespace mm
