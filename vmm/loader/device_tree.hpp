// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/fdt_writer.hpp"
#include "hal/base/result.hpp"

// The part of a guest's device tree that is the same on every board. The rest is in vmm/<architecture>/device_tree.cpp.
namespace vmm {

struct GuestFacts {
  // The VM's, ascending. Free RAM is announced as memory; RAM with fewer rights is reserved and not to be mapped.
  std::span<const config::MemoryRegion> regions;
  std::span<const hal::GuestPhysRange> region_images;  // LoadPlan::region_images: reserved
  std::string_view cmdline;
  hal::GuestPhysRange initrd;       // empty: none
  std::span<const std::byte> seed;  // fresh random bytes for the guest, or empty; the first 8 become kaslr-seed
};

// One range, two cells for address and size each.
void write_reg(hal::FdtWriter& fdt, hal::GuestPhysRange range);
// /chosen; `console`: path of the node of the guest's UART, or empty.
void write_chosen(hal::FdtWriter& fdt, const GuestFacts& facts, std::string_view console);
// The memory nodes and /reserved-memory.
void write_memory(hal::FdtWriter& fdt, const GuestFacts& facts);

// Room for the tree that is made of `own`, and for what is added to it; or for one that is built where `own` is empty.
[[nodiscard]] uint64_t device_tree_capacity(std::span<const std::byte> own);

// The guest's own device tree, with /memory and /chosen as `facts` has them. `own` may be hostile: the work is in
// proportion to its size.
[[nodiscard]] hal::Result<std::span<const std::byte>, hal::FdtError> patch_device_tree(const GuestFacts& facts,
                                                                                       std::span<const std::byte> own,
                                                                                       std::span<std::byte> buffer);

}  // namespace vmm
