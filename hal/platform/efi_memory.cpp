// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/efi_memory.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "hal/efi/uefi.hpp"

namespace hal {
namespace {

using efi::MemoryDescriptor;
using efi::MemoryType;

std::optional<HostPhysRange> ours(const MemoryDescriptor& entry) {
  switch (entry.type) {
    case MemoryType::loader_code:
    case MemoryType::loader_data:
    case MemoryType::boot_services_code:
    case MemoryType::boot_services_data:
    case MemoryType::conventional: break;
    default: return std::nullopt;
  }
  constexpr uint64_t kind = efi::memory_wb | efi::memory_sp | efi::memory_runtime;
  if ((entry.attributes & kind) != efi::memory_wb) return std::nullopt;
  if (entry.pages == 0 || entry.pages > UINT64_MAX / efi::page_bytes) return std::nullopt;
  const HostPhysRange range{HostPhys(entry.physical_start), entry.pages * efi::page_bytes};
  if (!range.start.is_aligned(page_size) || !HostPhysRange::fits(range.start, range.size)) return std::nullopt;
  return range;
}

// Keeps `list` sorted and joined.
void insert(EfiMemory& list, HostPhysRange range) {
  EfiMemory apart;
  for (const HostPhysRange& other : list) {
    if (other.start <= range.end() && range.start <= other.end()) {
      const HostPhys start = std::min(other.start, range.start), end = std::max(other.end(), range.end());
      range = {start, end - start};
    } else {
      (void)apart.push_back(other);  // as many as there were, at most
    }
  }
  list = apart;
  if (!list.push_back(range)) {
    HostPhysRange& smallest = *std::ranges::min_element(list, {}, &HostPhysRange::size);
    if (smallest.size >= range.size) return;
    std::move(&smallest + 1, list.end(), &smallest);
    list[list.size() - 1] = range;
  }
  for (HostPhysRange* i = list.end() - 1; i != list.begin() && i->start < i[-1].start; --i) std::swap(i[0], i[-1]);
}

}  // namespace

EfiMemory usable_efi_memory(std::span<const std::byte> map, uint64_t descriptor_size) {
  EfiMemory memory;
  if (descriptor_size < sizeof(MemoryDescriptor)) return memory;
  while (map.size() >= descriptor_size) {
    MemoryDescriptor entry;
    std::memcpy(&entry, map.data(), sizeof(entry));
    if (const auto range = ours(entry)) insert(memory, *range);
    map = map.subspan(descriptor_size);
  }
  return memory;
}

}  // namespace hal
