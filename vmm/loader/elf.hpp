// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"
#include "vmm/loader/image.hpp"

namespace vmm {

// What an ELF64 executable puts into memory (its PT_LOAD segments, System V ABI chapter 5), at physical addresses.
struct ElfImage {
  static constexpr size_t max_segments = 32;

  struct Segment {
    std::span<const std::byte> contents;
    hal::GuestPhysRange memory;  // at least as large as `contents`; the rest is zero
  };

  hal::FixedVector<Segment, max_segments> segments;  // none empty, none overlapping
  hal::GuestPhysRange extent;                        // from the lowest byte to the highest
  hal::GuestPhys entry;

  [[nodiscard]] static bool is_elf(std::span<const std::byte> file);
  // Every part of `file` that the result refers to has been checked to be there.
  [[nodiscard]] static hal::Result<ElfImage, LoadError> parse(std::span<const std::byte> file, GuestIsa isa);
  // The same program somewhere else.
  void move_to(hal::GuestPhys start);
};

}  // namespace vmm
