// SPDX-License-Identifier: Apache-2.0
#include "tools/host/board_facts.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "hal/base/fdt.hpp"
#include "hal/platform/arm.hpp"
#include "tools/host/files.hpp"

namespace host {
namespace {

// ID_AA64MMFR0_EL1.PARange of cores that have fewer bits than 48, by their reference manuals; a guest's physical address
// has no more. None of them has SVE.
constexpr struct {
  std::string_view compatible;
  unsigned bits;
} cores[] = {{"arm,cortex-a35", 40}, {"arm,cortex-a53", 40}, {"arm,cortex-a55", 40}, {"arm,cortex-a57", 44},
             {"arm,cortex-a72", 44}, {"arm,cortex-a73", 40}, {"arm,cortex-a75", 44}, {"arm,cortex-a76", 40}};
constexpr unsigned most_address_bits = 48;

void look_for_cores(const hal::Fdt& fdt, vmm::Machine& machine) {
  machine.guest_address_bits = most_address_bits;
  for (const auto& core : cores) {
    if (!fdt.find_compatible(core.compatible)) continue;
    machine.guest_address_bits = std::min(machine.guest_address_bits, core.bits);
    machine.sve_lengths = uint16_t{0};
  }
}

}  // namespace

std::optional<BoardFacts> BoardFacts::read(const std::filesystem::path& dtb) {
  const auto content = read_file(dtb);
  if (!content) return {};
  const auto fdt = hal::Fdt::open(bytes_of(*content));
  if (!fdt.ok()) {
    const std::string_view why = name(fdt.error());
    std::fprintf(stderr, "%s: %.*s\n", dtb.c_str(), static_cast<int>(why.size()), why.data());
    return {};
  }
  std::optional<BoardFacts> facts(std::in_place);
  facts->platform = discover_platform(*fdt, {});
  const hal::Platform& platform = facts->platform;
  vmm::Machine& machine = facts->machine;
  machine.gic_version = hal::discover_arm(*fdt).gic.version;
  look_for_cores(*fdt, machine);
  // Without any in the tree firmware fills it in, and nobody can tell how much there will be.
  if (!platform.memory.empty()) machine.free_memory = 0;
  for (const hal::HostPhysRange& range : platform.memory) machine.free_memory += range.size;
  const size_t cpus = platform.cpus.size();
  machine.cpus = cpus >= 64 ? ~uint64_t{0} : (uint64_t{1} << cpus) - 1;
  return facts;
}

}  // namespace host
