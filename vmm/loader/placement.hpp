// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"

namespace vmm {

// A VM's memory while it is decided what goes where. Regions are ascending and disjoint.
class GuestLayout {
 public:
  explicit GuestLayout(std::span<const config::MemoryRegion> regions);

  // Of the first region of free RAM (config::is_free_ram()); the following need has_ram().
  [[nodiscard]] bool has_ram() const { return first_ram_ != nullptr; }
  [[nodiscard]] hal::GuestPhys ram_base() const { return first_ram_->range.start; }
  [[nodiscard]] uint64_t ram_size() const { return first_ram_->range.size; }
  [[nodiscard]] bool is_ram(hal::GuestPhys place) const;
  // `end` if something in that region ends there, else the start of that region.
  [[nodiscard]] hal::GuestPhys ram_limit(hal::GuestPhys end) const;

  // [start, start + size), if it lies in one region of any kind and is not occupied.
  [[nodiscard]] hal::Result<hal::GuestPhysRange, LoadError> claim(hal::GuestPhys start, uint64_t size) const;
  // The same at the first of `starts` that has room; the error is about the last.
  [[nodiscard]] hal::Result<hal::GuestPhysRange, LoadError> claim_first(std::span<const hal::GuestPhys> starts,
                                                                        uint64_t size) const;

  // claim() and place() keep clear of `range` from now on. For the images of regions and the few things that a loader
  // places.
  void occupy(hal::GuestPhysRange range);
  // The lowest unoccupied free RAM from `wanted` on, or the lowest of all when there is none. `alignment` is a power of two.
  [[nodiscard]] std::optional<hal::GuestPhysRange> place(uint64_t size, uint64_t alignment,
                                                         hal::GuestPhys wanted) const;

 private:
  [[nodiscard]] std::optional<hal::GuestPhysRange> place_in(const config::MemoryRegion& region, uint64_t size,
                                                            uint64_t alignment, hal::GuestPhys from) const;

  std::span<const config::MemoryRegion> regions_;
  const config::MemoryRegion* first_ram_ = nullptr;
  hal::FixedVector<hal::GuestPhysRange, config::max_memory_regions + 4> occupied_;
};

}  // namespace vmm
