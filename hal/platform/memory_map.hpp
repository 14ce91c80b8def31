// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"
#include "hal/boot_memory.hpp"
#include "hal/platform/platform.hpp"

namespace hal {

// RAM as hal::BootMemory wants it: whole pages, sorted, disjoint.
struct MemoryMap {
  FixedVector<HostPhysRange, 128> ram;
  FixedVector<HostPhysRange, max_memory_pieces> usable;  // without what is in use
};

enum class MemoryMapError : uint8_t { no_memory, too_many_pieces, image_elsewhere };
[[nodiscard]] std::string_view explain(MemoryMapError error);

// `image` is in use; it starts a block of `boot_block` bytes, all of which has to be RAM. Fills in `map`, which is too
// large for a boot stack to be handed around by value.
[[nodiscard]] Result<void, MemoryMapError> map_memory(const Platform& platform, HostPhysRange image,
                                                      uint64_t boot_block, MemoryMap& map);

}  // namespace hal
