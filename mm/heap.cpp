// SPDX-License-Identifier: Apache-2.0
#include "mm/heap.hpp"

#include <array>
#include <optional>

#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "mm/frames.hpp"

namespace mm {
namespace {

// A frame of equal objects. Free ones are chained through themselves.
//
//     | Slab | object | object | ... | object | rest |
//     0      64                                      4096
struct FreeObject {
  FreeObject* next;
};
struct Slab : hal::ListNode<> {
  FreeObject* free = nullptr;
  uint32_t used = 0;
  uint32_t size_class = 0;
};
constexpr size_t header_size = 64;
static_assert(sizeof(Slab) <= header_size);

// Chosen so that little of the 4032 bytes behind the header is lost.
constexpr std::array<size_t, 12> class_sizes{32, 64, 96, 128, 192, 256, 384, 512, 672, 1008, 1344, 2016};
constexpr size_t largest_small = class_sizes.back();
constexpr size_t objects_in(size_t size) { return (hal::page_size - header_size) / size; }

// The class for such objects: the header and every multiple of the size keep the alignment.
std::optional<size_t> class_for(size_t size, size_t alignment) {
  if (alignment > header_size) return std::nullopt;
  for (size_t i = 0; i < class_sizes.size(); ++i) {
    if (class_sizes[i] >= size && class_sizes[i] % alignment == 0) return i;
  }
  return std::nullopt;
}

class Heap {
 public:
  void* allocate_small(size_t size_class) {
    const hal::LockGuard guard(lock_);
    if (partial_[size_class].empty() && !add_slab(size_class)) return nullptr;
    Slab& slab = *partial_[size_class].front();
    FreeObject* const object = slab.free;
    slab.free = object->next;
    ++slab.used;
    if (slab.free == nullptr) slab.unlink();
    count(class_sizes[size_class]);
    return object;
  }

  void free_small(void* place) {
    Slab* const slab = reinterpret_cast<Slab*>(hal::align_down(reinterpret_cast<uintptr_t>(place), hal::page_size));
    const hal::LockGuard guard(lock_);
    slab->free = new (place) FreeObject{slab->free};
    if (!slab->is_linked()) partial_[slab->size_class].push_front(*slab);
    uncount(class_sizes[slab->size_class]);
    if (--slab->used != 0) return;
    slab->unlink();
    --counts_.frames;
    frames().free(to_phys(slab), 0, FrameUse::heap);
  }

  void* allocate_large(size_t size) {
    if (size > block_size(max_order)) return nullptr;
    const Order order = order_for(size);
    const auto block = frames().allocate(order, FrameUse::heap);
    if (!block.ok()) return nullptr;
    const hal::LockGuard guard(lock_);
    count(block_size(order));
    counts_.frames += uint64_t{1} << order;
    return to_virt(block.value());
  }

  void free_large(void* place) {
    const hal::HostPhys block = to_phys(place);
    const Order order = frames().order_of(block);
    {
      const hal::LockGuard guard(lock_);
      uncount(block_size(order));
      counts_.frames -= uint64_t{1} << order;
    }
    frames().free(block, order, FrameUse::heap);
  }

  [[nodiscard]] HeapCounts counts() const {
    const hal::LockGuard guard(lock_);
    return counts_;
  }

 private:
  bool add_slab(size_t size_class) PLINTH_REQUIRES(lock_) {
    const auto frame = frames().allocate(0, FrameUse::heap);
    if (!frame.ok()) return false;
    ++counts_.frames;
    Slab* const slab = new (to_virt(frame.value())) Slab;
    slab->size_class = static_cast<uint32_t>(size_class);
    std::byte* const first = reinterpret_cast<std::byte*>(slab) + header_size;
    // Last object first, so that they are handed out in ascending order.
    for (size_t i = objects_in(class_sizes[size_class]); i-- > 0;) {
      slab->free = new (first + i * class_sizes[size_class]) FreeObject{slab->free};
    }
    partial_[size_class].push_front(*slab);
    return true;
  }

  void count(uint64_t bytes) PLINTH_REQUIRES(lock_) {
    ++counts_.objects;
    counts_.bytes += bytes;
  }
  void uncount(uint64_t bytes) PLINTH_REQUIRES(lock_) {
    --counts_.objects;
    counts_.bytes -= bytes;
  }

  mutable hal::SpinLock lock_{hal::LockRank::heap};
  // Slabs with at least one free object, per class.
  std::array<hal::List<Slab>, class_sizes.size()> partial_ PLINTH_GUARDED_BY(lock_);
  HeapCounts counts_ PLINTH_GUARDED_BY(lock_);
};

constinit Heap heap;

}  // namespace

HeapCounts heap_counts() { return heap.counts(); }

namespace detail {

void* heap_allocate(size_t size, size_t alignment) {
  if (alignment > hal::page_size) return nullptr;
  const std::optional<size_t> size_class = size <= largest_small ? class_for(size, alignment) : std::nullopt;
  return size_class ? heap.allocate_small(*size_class) : heap.allocate_large(size);
}

// Small objects have a header before them; large ones begin a page.
void heap_free(void* object) {
  if (reinterpret_cast<uintptr_t>(object) % hal::page_size == 0) {
    heap.free_large(object);
  } else {
    heap.free_small(object);
  }
}

void base_is_not_first() { hal::panic("an object is owned through a base class that is not its first"); }

}  // namespace detail
}  // namespace mm
