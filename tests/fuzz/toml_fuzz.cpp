// SPDX-License-Identifier: Apache-2.0
// Any bytes as a VM file: parsed, loaded, changed, and held to what the rest of the system relies on.
#include <cstdlib>
#include <memory>
#include <vector>

#include "config/toml.hpp"
#include "config/vm_config.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

class Ignored final : public config::DiagnosticSink {
 public:
  void report(const config::Diagnostic& diagnostic) override {
    char buffer[1024];
    hal::BufferSink sink(buffer);
    config::write(sink, diagnostic);
    ++reports;
    // A log is lines of text.
    for (const char c : sink.text()) fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  unsigned reports = 0;
};

size_t count_nodes(const config::toml::Node& node) {
  size_t count = 1;
  for (const auto& member : node) count += count_nodes(member);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  static std::vector<std::byte> arena(config::load_arena_size);
  const auto document = config::toml::parse(input.text(), arena);
  if (document.ok()) {
    const size_t nodes = count_nodes(*document->root);
    fuzz::require(nodes * sizeof(config::toml::Node) <= document->arena_used);
  } else {
    fuzz::require(document.error().position.line > 0 && document.error().position.column > 0);
  }

  Ignored ignored;
  config::Diagnostics diagnostics("fuzz.toml", ignored);
  const auto vm = std::make_unique<config::VmConfig>();
  const bool good = config::load_vm(input.text(), config::aarch64_board, arena, diagnostics, *vm).ok();
  fuzz::require(good == (ignored.reports == 0));
  if (!good) return 0;
  fuzz::require(!vm->name.empty() && !vm->kernel.image.empty() && vm->vcpus >= 1 && vm->vcpus <= config::max_vcpus);
  const auto regions = config::memory_map(vm->memory, config::aarch64_board);
  for (size_t i = 0; i < regions.size(); ++i) {
    fuzz::require(regions[i].range.size > 0 && regions[i].range.start.is_aligned(hal::page_size));
    fuzz::require(i == 0 || regions[i - 1].range.end() <= regions[i].range.start);
  }
  return 0;
}
