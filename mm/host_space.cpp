// SPDX-License-Identifier: Apache-2.0
#include "mm/host_space.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/upcall.hpp"
#include "mm/frames.hpp"
#include "mm/page_table.hpp"

namespace mm {
namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::HostVirt;
using hal::HostVirtRange;
using hal::page_size;

// Frames in boot_free, taken from the front while the allocator does not work yet.
class BootFrames {
 public:
  void start(HostPhysRange range) { range_ = range, used_ = 0, open_ = true; }
  void close() { open_ = false; }
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] HostPhysRange taken() const { return {range_.start, used_}; }
  [[nodiscard]] std::optional<HostPhys> take(uint64_t bytes) {
    if (bytes > range_.size - used_) return std::nullopt;
    const HostPhys place = range_.start + used_;
    used_ += bytes;
    return place;
  }

 private:
  HostPhysRange range_;
  uint64_t used_ = 0;
  bool open_ = false;
};

class Backend {
 public:
  BootFrames boot;

  [[nodiscard]] uint64_t read(HostPhys table, unsigned index) const { return entry(table, index).load(relaxed); }
  void write(HostPhys table, unsigned index, uint64_t value) { entry(table, index).store(value, relaxed); }
  hal::Result<HostPhys, MmError> allocate() {
    if (!boot.is_open()) return frames().allocate(0, FrameUse::table);
    if (const auto place = boot.take(page_size)) return *place;
    return hal::fail(MmError::out_of_memory);
  }
  void free(HostPhys table) {
    frames().free(table, 0, boot.taken().contains(table) ? FrameUse::hypervisor : FrameUse::table);
  }
  void publish() { hal::Mmu::publish_tables(); }
  void invalidate(HostVirtRange range) { hal::Mmu::invalidate_host(range); }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  static std::atomic_ref<uint64_t> entry(HostPhys table, unsigned index) {
    return std::atomic_ref<uint64_t>(to_virt_as<uint64_t>(table)[index]);
  }
};

using Table = PageTable<HostVirt, hal::Mmu::HostFormat, Backend>;

// The dynamic area: slots for stacks first, devices above them.
//
//     | slot | slot | ...       | slot |  device  .  device  . ...        ( . = one unmapped page)
//      \_ unmapped, then the stack up to the end of the slot
constexpr uint64_t slot_size = 64 * hal::kib;
constexpr uint64_t largest_stack = slot_size / 2;
constexpr size_t slots = 8192;
constexpr size_t max_devices = 64;
constexpr uint64_t stack_area_size = slots * slot_size;
static_assert(hal::Mmu::dynamic_area.size > stack_area_size);
constexpr HostVirtRange device_area{hal::Mmu::dynamic_area.start + stack_area_size,
                                    hal::Mmu::dynamic_area.size - stack_area_size};

struct Device {
  HostPhysRange registers;  // whole pages
  HostVirt place;
};

struct Space {
  hal::SpinLock lock{hal::LockRank::host_space};
  Backend backend;
  Table* table = nullptr;  // set once by init()
  alignas(Table) std::array<std::byte, sizeof(Table)> table_storage{};

  std::array<HostPhysRange, FrameAllocator::max_ranges> ram{};
  size_t ram_count = 0;
  uint64_t image_size = 0;

  std::array<uint64_t, slots / 64> used_slots PLINTH_GUARDED_BY(lock){};
  std::array<Device, max_devices> devices PLINTH_GUARDED_BY(lock){};
  size_t device_count PLINTH_GUARDED_BY(lock) = 0;
  uint64_t device_bytes PLINTH_GUARDED_BY(lock) = 0;  // taken from the start of `device_area`
};

// Zero throughout, to take no room in the image.
constinit Space space;

// --- boot ------------------------------------------------------------------------------------------------------------

hal::Result<void, MmError> check(std::span<const HostPhysRange> ranges) {
  if (ranges.size() > FrameAllocator::max_ranges) return hal::fail(MmError::out_of_range);
  for (const HostPhysRange& range : ranges) {
    if (!range.start.is_aligned(page_size) || range.size % page_size != 0) return hal::fail(MmError::misaligned);
    if (!HostPhysRange{HostPhys(), hal::Mmu::direct_map_size}.contains(range)) return hal::fail(MmError::out_of_range);
  }
  return {};
}

// Calls visit(piece) for what remains of `range` without `holes`; stops at the first error.
template <class Visit>
hal::Result<void, MmError> without(HostPhysRange range, std::span<const HostPhysRange> holes, Visit visit) {
  for (const HostPhysRange& hole : holes) {
    if (!range.overlaps(hole)) continue;
    const auto rest = holes.subspan(static_cast<size_t>(&hole - holes.data()) + 1);
    if (range.start < hole.start) TRY(without({range.start, hole.start - range.start}, rest, visit));
    if (hole.end() < range.end()) TRY(without({hole.end(), range.end() - hole.end()}, rest, visit));
    return {};
  }
  return visit(range);
}

hal::Result<void, MmError> map(HostVirtRange pages, HostPhys place, hal::PageAttributes attributes) {
  auto flush = TRY(space.table->map(pages, place, attributes));
  flush.settle();
  return {};
}

// Text and read-only data have no writable alias in the direct map.
[[clang::minsize]] hal::Result<void, MmError> map_ram_and_image(const hal::BootMemory& boot) {
  const std::array<HostPhysRange, 1> constant{{{boot.image, boot.text.size + boot.rodata.size}}};
  for (const HostPhysRange& ram : boot.ram) {
    TRY(without(ram, constant, [](HostPhysRange piece) {
      return map({hal::Mmu::direct_map_base + piece.start.value(), piece.size}, piece.start, {hal::read_write});
    }));
  }
  if (!boot.identity.empty()) {
    const HostVirt same(boot.identity.start.value());
    TRY(map({same, boot.identity.size}, boot.identity.start, {hal::read_execute}));
  }
  TRY(map(boot.text, boot.image, {hal::read_execute}));
  TRY(map(boot.rodata, boot.image + boot.text.size, {hal::read_only}));
  return map(boot.data, boot.image + boot.text.size + boot.rodata.size, {hal::read_write});
}

// The metadata of the frame allocator: in what is left of boot_free, or at the end of the largest range.
[[clang::minsize]] hal::Result<HostPhysRange, MmError> place_metadata(std::span<const HostPhysRange> usable) {
  const uint64_t size = hal::align_up(FrameAllocator::metadata_size(usable), page_size);
  if (const auto place = space.backend.boot.take(size)) return HostPhysRange{*place, size};
  const auto largest = std::ranges::max_element(usable, {}, &HostPhysRange::size);
  if (largest == usable.end() || largest->size < size) return hal::fail(MmError::out_of_memory);
  const HostPhysRange metadata{largest->end() - size, size};
  if (metadata.overlaps(space.backend.boot.taken())) return hal::fail(MmError::out_of_memory);
  return metadata;
}

[[clang::minsize]] hal::Result<void, MmError> start_frames(std::span<const HostPhysRange> usable) {
  const HostPhysRange metadata = TRY(place_metadata(usable));
  space.backend.boot.close();
  TRY(make_frames().init(usable, {to_virt_as<std::byte>(metadata.start), metadata.size}));
  const std::array taken{space.backend.boot.taken(), metadata};
  for (const HostPhysRange& range : usable) {
    TRY(without(range, taken, [](HostPhysRange piece) -> hal::Result<void, MmError> {
      frames().release_at_boot(piece);
      return {};
    }));
  }
  return {};
}

// --- stacks ----------------------------------------------------------------------------------------------------------

HostVirt slot_end(size_t slot) { return hal::Mmu::dynamic_area.start + (slot + 1) * slot_size; }
size_t slot_of(HostVirt place) { return (place - hal::Mmu::dynamic_area.start) / slot_size; }

std::optional<size_t> take_slot() PLINTH_REQUIRES(space.lock) {
  for (size_t word = 0; word < space.used_slots.size(); ++word) {
    const unsigned free_bit = static_cast<unsigned>(std::countr_one(space.used_slots[word]));
    if (free_bit == 64) continue;
    space.used_slots[word] |= uint64_t{1} << free_bit;
    return word * 64 + free_bit;
  }
  return std::nullopt;
}
void release_slot(size_t slot) PLINTH_REQUIRES(space.lock) {
  space.used_slots[slot / 64] &= ~(uint64_t{1} << slot % 64);
}

}  // namespace

[[clang::minsize]] hal::Result<void, MmError> init(const hal::BootMemory& boot) {
  TRY(check(boot.ram));
  TRY(check(boot.usable));
  std::ranges::copy(boot.ram, space.ram.begin());
  space.ram_count = boot.ram.size();
  space.image_size = boot.text.size + boot.rodata.size + boot.data.size;

  space.backend.boot.start(boot.boot_free);
  const HostPhys root = TRY(space.backend.allocate());
  space.table = new (space.table_storage.data())
      Table(hal::Mmu::host_format(), space.backend, root, hal::Mmu::host_base, hal::Mmu::host_address_bits);
  if constexpr (!hal::Mmu::direct_map_is_fixed) TRY(map_ram_and_image(boot));
  hal::Mmu::activate_host(root);
  // Only now is all RAM within reach.
  return start_frames(boot.usable);
}

hal::HostPhys host_root() { return space.table->root(); }

bool is_mapped(HostVirt place) {
  if (space.table == nullptr) return false;
  if constexpr (hal::Mmu::direct_map_is_fixed) {
    const hal::HostVirtRange window{hal::Mmu::direct_map_base, hal::Mmu::direct_map_size};
    if (window.contains(place)) {
      const HostPhys in_window(place - window.start);
      return std::ranges::any_of(std::span(space.ram).first(space.ram_count),
                                 [&](const HostPhysRange& ram) { return ram.contains(in_window); });
    }
  }
  const auto mapping = space.table->translate(place);
  return mapping && mapping->attributes.rights.read && mapping->attributes.memory == hal::MemoryKind::normal;
}

uint64_t hypervisor_memory() {
  const FrameCounts counts = frames().counts();
  const uint64_t in_frames = counts.total - counts.free - counts.dirty - counts.in_use(FrameUse::guest);
  return space.image_size + in_frames * page_size;
}

// --- stacks ----------------------------------------------------------------------------------------------------------

[[clang::minsize]] hal::Result<Stack, MmError> allocate_stack(uint64_t size) {
  if (size % page_size != 0 || !std::has_single_bit(size)) return hal::fail(MmError::misaligned);
  if (size > largest_stack) return hal::fail(MmError::out_of_memory);
  auto block = TRY(OwnedFrames::allocate(frames(), order_for(size), FrameUse::stack));

  const hal::LockGuard guard(space.lock);
  const std::optional<size_t> slot = take_slot();
  if (!slot) return hal::fail(MmError::out_of_memory);
  const HostVirt bottom = slot_end(*slot) - size;
  if (const auto mapped = map({bottom, size}, block.place(), {hal::read_write}); !mapped.ok()) {
    release_slot(*slot);
    return hal::fail(mapped.error());
  }
  Stack stack;
  stack.bottom_ = bottom;
  stack.frames_ = block.release();
  stack.size_ = size;
  return stack;
}

Stack::Stack(Stack&& other) noexcept
    : bottom_(other.bottom_), frames_(other.frames_), size_(std::exchange(other.size_, 0)) {}

Stack& Stack::operator=(Stack&& other) noexcept {
  if (this == &other) return *this;
  reset();
  bottom_ = other.bottom_;
  frames_ = other.frames_;
  size_ = std::exchange(other.size_, 0);
  return *this;
}

[[clang::minsize]] void Stack::reset() {
  const uint64_t size = std::exchange(size_, 0);
  if (size == 0) return;
  {
    const hal::LockGuard guard(space.lock);
    auto flush = space.table->unmap({bottom_, size});
    // It was mapped page by page, so no block has to be split.
    if (!flush.ok()) hal::panic("could not unmap a stack");
    flush.value().settle();
    release_slot(slot_of(bottom_));
  }
  frames().free(frames_, order_for(size), FrameUse::stack);
}

// --- devices and fixed addresses -------------------------------------------------------------------------------------

namespace {

// How far behind `place` a device is to be mapped so that blocks can be used: a GICv3's redistributors are thousands of
// pages.
uint64_t block_gap(HostPhysRange pages, HostVirt place) {
  constexpr uint64_t block = hal::entry_span(1);
  return pages.size < block ? 0 : (pages.start.value() - place.value()) % block;
}

}  // namespace

[[clang::minsize]] hal::Result<HostVirt, MmError> map_device(HostPhys registers, uint64_t size) {
  if (size == 0 || !HostPhysRange::fits(registers, size + page_size)) return hal::fail(MmError::out_of_range);
  const HostPhys first = registers.align_down(page_size);
  const HostPhysRange pages{first, (registers + size).align_up(page_size) - first};
  for (const HostPhysRange& ram : std::span(space.ram).first(space.ram_count)) {
    if (ram.overlaps(pages)) return hal::fail(MmError::out_of_range);
  }

  const hal::LockGuard guard(space.lock);
  for (const Device& device : std::span(space.devices).first(space.device_count)) {
    if (device.registers.contains(pages)) return device.place + (registers - device.registers.start);
  }
  const uint64_t offset = space.device_bytes + block_gap(pages, device_area.start + space.device_bytes);
  if (space.device_count == max_devices || offset > device_area.size || pages.size > device_area.size - offset) {
    return hal::fail(MmError::out_of_memory);
  }
  const HostVirt place = device_area.start + offset;
  TRY(map({place, pages.size}, first, {hal::read_write, hal::MemoryKind::device}));
  space.devices[space.device_count++] = {.registers = pages, .place = place};
  space.device_bytes = offset + pages.size + page_size;
  return place + (registers - first);
}

[[clang::minsize]] hal::Result<void, MmError> map_fixed(HostVirtRange pages, HostPhys place,
                                                        hal::PageAttributes attributes) {
  if (attributes.rights.write && attributes.rights.execute) return hal::fail(MmError::no_access);
  const hal::LockGuard guard(space.lock);
  return map(pages, place, attributes);
}

[[clang::minsize]] hal::Result<void, MmError> unmap_fixed(HostVirtRange pages) {
  const hal::LockGuard guard(space.lock);
  auto flush = TRY(space.table->unmap(pages));
  flush.settle();
  return {};
}

}  // namespace mm

// --- what arch/ and hal/ call back -----------------------------------------------------------------------------------

namespace hal::upcall {

std::optional<HostVirt> map_device(HostPhysRange registers) {
  const auto place = mm::map_device(registers.start, registers.size);
  if (!place.ok()) return std::nullopt;
  return place.value();
}

bool is_readable(HostVirt place) { return mm::is_mapped(place); }

}  // namespace hal::upcall
