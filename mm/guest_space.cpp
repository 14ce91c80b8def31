// SPDX-License-Identifier: Apache-2.0
#include "mm/guest_space.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "hal/base/panic.hpp"

namespace mm {
namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::HostPhys;
using hal::HostPhysRange;
using hal::page_size;

std::atomic_ref<uint64_t> entry_of(HostPhys table, unsigned index) {
  return std::atomic_ref<uint64_t>(to_virt_as<uint64_t>(table)[index]);
}

// The largest block with which RAM at `place` can begin: as aligned as the guest sees it, so that stage 2 can use
// blocks.
Order best_order(GuestPhys place, uint64_t bytes) {
  const Order aligned = static_cast<Order>(std::countr_zero(place.value() | block_size(max_order))) - 12;
  const Order fits = static_cast<Order>(std::bit_width(bytes / page_size)) - 1;
  return std::min({aligned, fits, max_order});
}

// Panics where an undo fails: it takes memory from nobody, so it cannot.
template <class Flush>
void settle(hal::Result<Flush, MmError> flush) {
  if (!flush.ok()) hal::panic("could not unmap guest memory");
  flush.value().settle();
}

}  // namespace

// --- tables ----------------------------------------------------------------------------------------------------------

uint64_t GuestSpace::Backend::read(HostPhys table, unsigned index) const {
  return entry_of(table, index).load(std::memory_order_relaxed);
}

void GuestSpace::Backend::write(HostPhys table, unsigned index, uint64_t entry) {
  entry_of(table, index).store(entry, std::memory_order_relaxed);
}

hal::Result<HostPhys, MmError> GuestSpace::Backend::allocate() {
  const HostPhys table = TRY(frames().allocate(0, FrameUse::table));
  ++tables_;
  return table;
}

void GuestSpace::Backend::free(HostPhys table) {
  frames().free(table, 0, FrameUse::table);
  --tables_;
}

// --- life ------------------------------------------------------------------------------------------------------------

hal::Result<Owned<GuestSpace>, MmError> GuestSpace::create(unsigned address_bits) {
  if (address_bits < 32 || address_bits > hal::Mmu::max_guest_address_bits()) return hal::fail(MmError::out_of_range);
  const Order order = hal::Mmu::GuestFormat::geometry(address_bits).root_order;
  return make<GuestSpace>(Key{}, TRY(OwnedFrames::allocate(frames(), order, FrameUse::table)), address_bits);
}

GuestSpace::GuestSpace(Key, OwnedFrames root, unsigned address_bits)
    : root_(std::move(root)),
      backend_(regime_),
      table_(hal::Mmu::guest_format(), backend_, root_.place(), GuestPhys(), address_bits),
      address_bits_(address_bits) {
  hal::Mmu::attach(regime_, root_.place(), table_.geometry(), address_bits);
}

GuestSpace::~GuestSpace() {
  destroy();
  hal::Mmu::detach(regime_);
}

void GuestSpace::destroy() {
  const hal::LockGuard guard(lock_);
  settle(table_.unmap({GuestPhys(), uint64_t{1} << address_bits_}));
  while (Backing* const block = ram_.pop_front()) {
    const Owned<Backing> owned(block);
    frames().free_dirty(block->place, block->order, FrameUse::guest);
  }
  ram_bytes_ = 0;
}

// Blocks that are not part of the space yet; those that remain go back untouched.
struct GuestSpace::NewRam {
  hal::List<Backing> blocks;

  NewRam() = default;
  NewRam(const NewRam&) = delete;
  NewRam& operator=(const NewRam&) = delete;
  ~NewRam() {
    while (Backing* const block = blocks.pop_front()) {
      const Owned<Backing> owned(block);
      frames().free_untouched(block->place, block->order, FrameUse::guest);
    }
  }

  hal::Result<void, MmError> allocate(GuestPhysRange range) {
    Order limit = max_order;  // no larger block was free
    while (!range.empty()) {
      const Order order = std::min(best_order(range.start, range.size), limit);
      const auto place = frames().allocate(order, FrameUse::guest);
      if (!place.ok()) {
        if (order == 0) return hal::fail(place.error());
        limit = order - 1;
        continue;
      }
      auto block = make<Backing>(place.value(), order);
      if (!block.ok()) {
        frames().free_untouched(place.value(), order, FrameUse::guest);
        return hal::fail(block.error());
      }
      blocks.push_back(*std::move(block).value().release());
      range = {range.start + block_size(order), range.size - block_size(order)};
    }
    return {};
  }
};

// --- what is where ---------------------------------------------------------------------------------------------------

hal::Result<void, MmError> GuestSpace::add_ram(GuestPhysRange range, hal::Rights rights) {
  if (!range.start.is_aligned(page_size) || range.size % page_size != 0) return hal::fail(MmError::misaligned);
  if (!GuestPhysRange{GuestPhys(), uint64_t{1} << address_bits_}.contains(range)) {
    return hal::fail(MmError::out_of_range);
  }
  NewRam ram;
  TRY(ram.allocate(range));
  const hal::LockGuard guard(lock_);
  TRY(map_blocks(range, ram.blocks, rights));
  while (Backing* const block = ram.blocks.pop_front()) ram_.push_back(*block);
  ram_bytes_ += range.size;
  return {};
}

hal::Result<void, MmError> GuestSpace::map_blocks(GuestPhysRange range, hal::List<Backing>& blocks,
                                                  hal::Rights rights) {
  GuestPhys at = range.start;
  for (const Backing& block : blocks) {
    auto flush = table_.map({at, block_size(block.order)}, block.place, {rights, hal::MemoryKind::normal});
    if (!flush.ok()) {
      settle(table_.unmap({range.start, at - range.start}));
      return hal::fail(flush.error());
    }
    flush.value().settle();
    at += block_size(block.order);
  }
  return {};
}

hal::Result<void, MmError> GuestSpace::map(GuestPhysRange range, HostPhys place, hal::PageAttributes attributes) {
  const hal::LockGuard guard(lock_);
  TRY(table_.map(range, place, attributes)).settle();
  return {};
}

hal::Result<void, MmError> GuestSpace::unmap(GuestPhysRange range) {
  const hal::LockGuard guard(lock_);
  TRY(table_.unmap(range)).settle();
  return {};
}

hal::Result<void, MmError> GuestSpace::protect(GuestPhysRange range, hal::Rights rights) {
  const hal::LockGuard guard(lock_);
  TRY(table_.protect(range, rights)).settle();
  return {};
}

std::optional<Mapping> GuestSpace::translate(GuestPhys place) const {
  const hal::LockGuard guard(lock_);
  return table_.translate(place);
}

bool GuestSpace::allows(GuestPhys place, hal::Rights needed) const {
  const auto mapping = translate(place);
  return mapping && mapping->attributes.rights.allow(needed);
}

TableWalk GuestSpace::walk(GuestPhys place) const {
  const hal::LockGuard guard(lock_);
  return table_.walk(place);
}

uint64_t GuestSpace::ram_bytes() const {
  const hal::LockGuard guard(lock_);
  return ram_bytes_;
}

uint64_t GuestSpace::table_bytes() const {
  const hal::LockGuard guard(lock_);
  return root_.size() + backend_.tables() * page_size;
}

// --- contents --------------------------------------------------------------------------------------------------------

// The longest piece from `place` on that is contiguous for the host, too, within a bounded number of translations.
hal::Result<HostPhysRange, MmError> GuestSpace::contiguous(GuestPhys place, uint64_t size, hal::Rights needed,
                                                           As as) const {
  constexpr unsigned max_steps = 32;
  HostPhysRange piece;
  const hal::LockGuard guard(lock_);
  for (unsigned step = 0; step < max_steps && piece.size < size; ++step) {
    const auto next = table_.translate(place + piece.size);
    const bool allowed = next && next->attributes.memory == hal::MemoryKind::normal &&
                         (as == As::owner || next->attributes.rights.allow(needed));
    if (step == 0) {
      if (!next) return hal::fail(MmError::not_mapped);
      if (!allowed) return hal::fail(MmError::no_access);
      piece.start = next->place;
    } else if (!allowed || next->place != piece.end()) {
      break;
    }
    piece.size = std::min(size, piece.size + next->remaining);
  }
  return piece;
}

template <class Visit>
hal::Result<void, MmError> GuestSpace::for_each_piece(GuestPhysRange range, hal::Rights needed, As as,
                                                      Visit visit) const {
  if (!GuestPhysRange::fits(range.start, range.size)) return hal::fail(MmError::out_of_range);
  for (uint64_t done = 0; done < range.size;) {
    const HostPhysRange piece = TRY(contiguous(range.start + done, range.size - done, needed, as));
    visit(std::span(to_virt_as<std::byte>(piece.start), piece.size));
    done += piece.size;
  }
  return {};
}

hal::Result<void, MmError> GuestSpace::read(GuestPhys from, std::span<std::byte> to, As as) const {
  return for_each_piece({from, to.size()}, hal::read_only, as, [&](std::span<std::byte> memory) {
    std::memcpy(to.data(), memory.data(), memory.size());
    to = to.subspan(memory.size());
  });
}

hal::Result<void, MmError> GuestSpace::write(GuestPhys to, std::span<const std::byte> from, As as) {
  return for_each_piece({to, from.size()}, {.write = true}, as, [&](std::span<std::byte> memory) {
    std::memcpy(memory.data(), from.data(), memory.size());
    from = from.subspan(memory.size());
  });
}

hal::Result<void, MmError> GuestSpace::zero(GuestPhysRange range, As as) {
  const auto zero_part = [](std::span<std::byte> part) {
    if (part.empty()) return;
    std::memset(part.data(), 0, part.size());
    hal::Mmu::publish_to_guest(part.data(), part.size());
  };
  return for_each_piece(range, {.write = true}, as, [&](std::span<std::byte> memory) {
    const uintptr_t start = reinterpret_cast<uintptr_t>(memory.data());
    const size_t head = std::min<size_t>(hal::align_up(start, page_size) - start, memory.size());
    const size_t pages = hal::align_down(memory.size() - head, page_size);
    zero_part(memory.first(head));
    if (pages != 0) hal::Mmu::zero_for_guest(memory.data() + head, pages);
    zero_part(memory.subspan(head + pages));
  });
}

hal::Result<void, MmError> GuestSpace::publish(GuestPhysRange range) const {
  return for_each_piece(range, hal::no_access, As::owner,
                        [](std::span<std::byte> memory) { hal::Mmu::publish_to_guest(memory.data(), memory.size()); });
}

hal::Result<std::span<std::byte>, MmError> GuestSpace::window(GuestPhys place, uint64_t size, hal::Rights needed,
                                                              As as) const {
  if (size == 0 || !GuestPhysRange::fits(place, size)) return hal::fail(MmError::out_of_range);
  const HostPhysRange piece = TRY(contiguous(place, size, needed, as));
  return std::span(to_virt_as<std::byte>(piece.start), piece.size);
}

}  // namespace mm
