// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <arch/mmu.hpp>
#include <cstdlib>
#include <cstring>

#include "hal/base/panic.hpp"

namespace arch {
namespace {

void* memory() { return reinterpret_cast<void*>(Mmu::direct_map_base.value()); }

// Catches requests that hardware would take at face value.
template <class Range>
void check_pages(Range pages) {
  if (!pages.start.is_aligned(hal::page_size) || pages.size % hal::page_size != 0 || pages.empty()) {
    hal::panic("asked to invalidate something that is not whole pages");
  }
}
void check_memory(void* start, size_t size) {
  const uint64_t offset = reinterpret_cast<uintptr_t>(start) - Mmu::direct_map_base.value();
  if (offset > Mmu::direct_map_size || size > Mmu::direct_map_size - offset) {
    hal::panic("memory outside the direct map");
  }
}

}  // namespace

hal::HostPhys Mmu::active_root;
std::vector<hal::HostVirtRange> Mmu::host_invalidated;
uint64_t Mmu::published_bytes = 0;

void Mmu::back_memory() {
  static bool backed = false;
  if (backed) return;
  void* const place = mmap(memory(), direct_map_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (place != memory()) hal::panic("no address space for fake memory");
  backed = true;
}

void Mmu::reset() {
  back_memory();
  madvise(memory(), direct_map_size, MADV_DONTNEED);
  active_root = {};
  host_invalidated.clear();
  published_bytes = 0;
}

void Mmu::activate_host(hal::HostPhys root) { active_root = root; }

void Mmu::invalidate_host(hal::HostVirtRange pages) {
  check_pages(pages);
  host_invalidated.push_back(pages);
}

void Mmu::attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry geometry, unsigned address_bits) {
  regime = {};
  regime.root = root;
  regime.geometry = geometry;
  regime.address_bits = address_bits;
  regime.attached = true;
}

void Mmu::detach(GuestRegime& regime) {
  if (!regime.attached) hal::panic("detached a guest that was not attached");
  regime.attached = false;
}

void Mmu::invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages) {
  check_pages(pages);
  regime.invalidated.push_back(pages);
}

void Mmu::invalidate_guest(GuestRegime& regime) { ++regime.invalidated_all; }

void Mmu::zero_pages(void* start, size_t size) {
  if (reinterpret_cast<uintptr_t>(start) % hal::page_size != 0 || size % hal::page_size != 0) {
    hal::panic("asked to zero something that is not whole pages");
  }
  check_memory(start, size);
  // Large blocks that were never touched stay untouched.
  if (size >= hal::mib) {
    madvise(start, size, MADV_DONTNEED);
  } else {
    std::memset(start, 0, size);
  }
}

void Mmu::publish_to_guest(void* start, size_t size) {
  check_memory(start, size);
  published_bytes += size;
}

void Mmu::zero_for_guest(void* start, size_t size) {
  zero_pages(start, size);
  publish_to_guest(start, size);
}

}  // namespace arch
