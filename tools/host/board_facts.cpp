// SPDX-License-Identifier: Apache-2.0
#include "tools/host/board_facts.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include "hal/base/fdt.hpp"
#include "tools/host/files.hpp"

namespace host {
namespace {

unsigned gic_version_of(const hal::Fdt& fdt) {
  if (fdt.find_compatible("arm,gic-v3")) return 3;
  static constexpr std::array<std::string_view, 4> second_version{"arm,gic-400", "arm,cortex-a15-gic",
                                                                  "arm,cortex-a7-gic", "arm,cortex-a9-gic"};
  for (const std::string_view compatible : second_version) {
    if (fdt.find_compatible(compatible)) return 2;
  }
  return 0;
}

void add_memory(const hal::FdtNode& node, BoardFacts& facts) {
  size_t index = 0;
  for (auto range = node.reg(index); range; range = node.reg(++index)) {
    facts.memory += range->size;
    facts.memory_ranges.push_back(*range);
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
  BoardFacts facts;
  facts.gic_version = gic_version_of(*fdt);
  for (const hal::FdtNode node : fdt->root().children()) {
    if (node.string("device_type") == "memory" && node.is_enabled()) add_memory(node, facts);
  }
  if (const auto cpus = fdt->find("/cpus")) {
    for (const hal::FdtNode cpu : cpus->children()) {
      facts.cpus += cpu.string("device_type") == "cpu" && cpu.is_enabled() ? 1 : 0;
    }
  }
  return facts;
}

}  // namespace host
