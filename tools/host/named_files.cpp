// SPDX-License-Identifier: Apache-2.0
#include "tools/host/named_files.hpp"

#include <memory>
#include <vector>

#include "config/vm_config.hpp"

namespace host {
namespace {

// Says nothing: what is wrong with a file has been said, or is going to be.
class Silence final : public config::DiagnosticSink {
  void report(const config::Diagnostic&) override {}
};

}  // namespace

NamedFiles NamedFiles::of(const ConfigText& file, bool loongarch64) {
  const auto vm = std::make_unique<config::VmConfig>();
  std::vector<std::byte> arena(config::load_arena_size);
  Silence silence;
  config::Diagnostics errors("", silence);
  const config::Board& map = loongarch64 ? config::loongarch64_board : config::aarch64_board;
  if (!config::load_vm(file.text, map, arena, errors, *vm).ok()) return {};
  NamedFiles named{.vm = std::string(vm->name),
                   .restarts = vm->on_crash == config::CrashAction::restart,
                   .kernel = std::string(vm->kernel.image),
                   .all = {}};
  for (const config::MemoryRegion& region : config::memory_map(vm->memory, map)) named.memory += region.range.size;
  config::for_each_file(*vm, [&](std::string_view, std::string_view name) { named.all.emplace(name); });
  return named;
}

}  // namespace host
