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

std::optional<HostPhysRange> range_of(const MemoryDescriptor& entry) {
  if (entry.pages == 0 || entry.pages > UINT64_MAX / efi::page_bytes) return std::nullopt;
  const HostPhysRange range{HostPhys(entry.physical_start), entry.pages * efi::page_bytes};
  if (!range.start.is_aligned(page_size) || !HostPhysRange::fits(range.start, range.size)) return std::nullopt;
  return range;
}

bool is_ours(const MemoryDescriptor& entry) {
  switch (entry.type) {
    case MemoryType::loader_code:
    case MemoryType::loader_data:
    case MemoryType::boot_services_code:
    case MemoryType::boot_services_data:
    case MemoryType::conventional: break;
    default: return false;
  }
  constexpr uint64_t kind = efi::memory_wb | efi::memory_sp | efi::memory_runtime;
  return (entry.attributes & kind) == efi::memory_wb;
}

bool is_kept(const MemoryDescriptor& entry) {
  const bool registers = entry.type == MemoryType::mapped_io || entry.type == MemoryType::mapped_io_ports;
  return registers ? (entry.attributes & efi::memory_runtime) != 0 : !is_ours(entry);
}

template <class Visit>
void for_each_entry(std::span<const std::byte> map, uint64_t descriptor_size, Visit&& visit) {
  if (descriptor_size < sizeof(MemoryDescriptor)) return;
  for (; map.size() >= descriptor_size; map = map.subspan(descriptor_size)) {
    MemoryDescriptor entry;
    std::memcpy(&entry, map.data(), sizeof(entry));
    visit(entry);
  }
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
  for_each_entry(map, descriptor_size, [&](const MemoryDescriptor& entry) {
    const auto range = is_ours(entry) ? range_of(entry) : std::nullopt;
    if (range) insert(memory, *range);
  });
  return memory;
}

void reserve_efi_memory(std::span<const std::byte> map, uint64_t descriptor_size, Platform& platform) {
  HostPhysRange joined;
  const auto put = [&] {
    if (!joined.empty() && !platform.reserved.push_back(joined)) platform.lists_are_cut = true;
  };
  for_each_entry(map, descriptor_size, [&](const MemoryDescriptor& entry) {
    const auto range = is_kept(entry) ? range_of(entry) : std::nullopt;
    if (!range) return;
    if (!joined.empty() && joined.end() == range->start) {
      joined.size += range->size;
      return;
    }
    put();
    joined = *range;
  });
  put();
}

}  // namespace hal
