// SPDX-License-Identifier: Apache-2.0
// Any bytes as a board's device tree, and what is left of it when it is cut or loses properties: discovery ends with
// some answer, and reads nowhere else. To try it on real boards: board_fuzz -runs=1 FOLDER, where the folder has their
// trees.
#include <algorithm>
#include <cstring>

#include "hal/base/fdt.hpp"
#include "hal/platform/arm.hpp"
#include "hal/platform/loongarch.hpp"
#include "hal/platform/memory_map.hpp"
#include "hal/platform/platform.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

void discover(const hal::Fdt& fdt) {
  static hal::MemoryMap map;
  hal::Platform platform = hal::discover_platform(fdt, {hal::HostPhys(0x4000'0000), 0x10000});
  hal::number_boot_cpu_first(platform, 0x101);
  const hal::ArmPlatform arm = hal::discover_arm(fdt);
  const hal::LoongArchPlatform loongarch = hal::discover_loongarch(fdt);
  fuzz::require(!platform.cpus.empty() && platform.cpus[0].hardware_id == 0x101);
  fuzz::require(explain(fault_of(arm.gic)).empty() == (fault_of(arm.gic) == hal::GicFault::none));
  fuzz::require(!platform.console || !platform.console->registers.empty());
  fuzz::require(!loongarch.pch_pic || loongarch.pch_pic->base_vector < 256);
  if (platform.memory.empty()) return;
  const auto mapped = hal::map_memory(platform, {platform.memory[0].start, 0x1000}, 0x1000, map);
  if (!mapped.ok()) return;
  for (const hal::HostPhysRange& piece : map.usable) {
    fuzz::require(std::ranges::none_of(platform.reserved, [&](hal::HostPhysRange r) { return r.overlaps(piece); }));
  }
}

void try_bytes(std::span<const std::byte> bytes) {
  const auto fdt = hal::Fdt::open(bytes);
  if (fdt.ok()) discover(*fdt);
}

// A property is its header of three words and its value; NOP tokens take its place (Devicetree Specification 5.4.1).
void without(std::vector<std::byte>& blob, std::span<const std::byte> value, const std::byte* start) {
  constexpr std::byte nop[] = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{4}};
  const auto first = static_cast<size_t>(value.data() - start) - 12;
  const size_t last = first + 12 + (value.size() + 3) / 4 * 4;
  std::vector<std::byte> saved(blob.begin() + static_cast<ptrdiff_t>(first),
                               blob.begin() + static_cast<ptrdiff_t>(last));
  for (size_t at = first; at < last; at += 4) std::memcpy(&blob[at], nop, 4);
  try_bytes(blob);
  std::ranges::copy(saved, blob.begin() + static_cast<ptrdiff_t>(first));
}

// Of large trees every so many, beginning with another one in trees of another size.
void without_properties(const hal::Fdt& fdt, std::vector<std::byte>& blob) {
  constexpr size_t most = 32;
  size_t count = 0;
  for (const hal::FdtNode node : fdt.nodes()) count += static_cast<size_t>(std::ranges::distance(node.properties()));
  const size_t step = count / most + 1;
  size_t left = blob.size() % step;
  for (const hal::FdtNode node : fdt.nodes()) {
    for (const hal::FdtProperty property : node.properties()) {
      if (left-- != 0) continue;
      left = step - 1;
      without(blob, property.bytes(), fdt.bytes().data());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  const auto fdt = hal::Fdt::open(input.bytes());
  if (!fdt.ok()) return 0;
  discover(*fdt);
  std::vector<std::byte> copy(fdt->bytes().begin(), fdt->bytes().end());
  without_properties(*fdt, copy);
  // Cut short with the header still promising all of it, in a block of that size.
  for (size_t part = 1; part < 8; ++part) {
    const std::vector<std::byte> cut(copy.begin(), copy.begin() + static_cast<ptrdiff_t>(copy.size() * part / 8));
    try_bytes(cut);
  }
  // All there, but the end overwritten.
  std::fill(copy.begin() + static_cast<ptrdiff_t>(copy.size() / 2), copy.end(), std::byte{0});
  try_bytes(copy);
  return 0;
}
