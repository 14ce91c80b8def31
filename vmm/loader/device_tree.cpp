// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/device_tree.hpp"

#include <algorithm>

#include "hal/base/fixed.hpp"

namespace vmm {

namespace {

using hal::FdtWriter;
using RamRanges = hal::FixedVector<hal::GuestPhysRange, config::max_memory_regions>;
using Reserved = hal::FixedVector<hal::FdtReserved, config::max_memory_regions>;

RamRanges ram_of(const GuestFacts& facts) {
  RamRanges ranges;
  for (const config::MemoryRegion& region : facts.regions) {
    // As many as there can be regions.
    if (is_free_ram(region, facts.regions) && !ranges.push_back(region.range)) break;
  }
  return ranges;
}

// What lies in memory without being free.
Reserved reserved_of(const GuestFacts& facts) {
  Reserved reserved;
  const auto image_in = [&](const config::MemoryRegion& region) {
    const auto found = std::ranges::find_if(
        facts.region_images, [&](const hal::GuestPhysRange& image) { return region.range.contains(image.start); });
    return found == facts.region_images.end() ? hal::GuestPhysRange{} : *found;
  };
  for (const config::MemoryRegion& region : facts.regions) {
    if (region.kind != config::RegionKind::ram) continue;
    const bool no_map = !is_free_ram(region, facts.regions);
    const hal::GuestPhysRange range = no_map ? region.range : image_in(region);
    if (!range.empty() && !reserved.push_back({range, no_map})) break;
  }
  return reserved;
}

hal::FdtBootInfo boot_info(const GuestFacts& facts, const RamRanges& ram, const Reserved& reserved) {
  hal::FdtBootInfo info{};
  info.memory = {ram.begin(), ram.size()};
  info.reserved = {reserved.begin(), reserved.size()};
  if (!facts.cmdline.empty()) info.bootargs = facts.cmdline;
  if (!facts.initrd.empty()) info.initrd = facts.initrd;
  constexpr size_t kaslr_seed_size = 8;
  if (facts.seed.size() > kaslr_seed_size) {
    info.kaslr_seed = facts.seed.first(kaslr_seed_size);
    info.rng_seed = facts.seed.subspan(kaslr_seed_size);
  }
  return info;
}

}  // namespace

void write_reg(FdtWriter& fdt, hal::GuestPhysRange range) { fdt.u64s("reg", {range.start.value(), range.size}); }

void write_chosen(FdtWriter& fdt, const GuestFacts& facts, std::string_view console) {
  fdt.begin_node("chosen");
  hal::write_chosen(fdt, boot_info(facts, {}, {}));
  if (!console.empty()) fdt.string("stdout-path", console);
  fdt.end_node();
}

void write_memory(FdtWriter& fdt, const GuestFacts& facts) {
  const RamRanges ram = ram_of(facts);
  const Reserved reserved = reserved_of(facts);
  hal::write_memory(fdt, {ram.begin(), ram.size()});
  hal::write_reserved_memory(fdt, {reserved.begin(), reserved.size()});
}

uint64_t device_tree_capacity(std::span<const std::byte> own) {
  return std::max<uint64_t>(64 * hal::kib, hal::align_up(own.size() + 8 * hal::kib, hal::page_size));
}

hal::Result<std::span<const std::byte>, hal::FdtError> patch_device_tree(const GuestFacts& facts,
                                                                         std::span<const std::byte> own,
                                                                         std::span<std::byte> buffer) {
  const hal::Fdt source = TRY(hal::Fdt::open(own));
  const RamRanges ram = ram_of(facts);
  const Reserved reserved = reserved_of(facts);
  FdtWriter fdt(buffer);
  hal::copy_with_boot_info(fdt, source, boot_info(facts, ram, reserved));
  return fdt.finish();
}

}  // namespace vmm
