// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "config/vm_config.hpp"
#include "hal/base/cpio.hpp"
#include "tools/host/checker.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/files.hpp"
#include "tools/host/inputs.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {
namespace {

// Says nothing: what is wrong with a file has been said, or was not wanted.
class Silence final : public config::DiagnosticSink {
  void report(const config::Diagnostic&) override {}
};

// The bundle's files that a VM file names, as far as it can be read.
std::set<std::string> files_named_by(const ConfigText& file, bool loongarch64) {
  const auto vm = std::make_unique<config::VmConfig>();
  const TomlMemory memory(file.text);
  Silence silence;
  config::Diagnostics errors("", silence);
  const config::Board& map = loongarch64 ? config::loongarch64_board : config::aarch64_board;
  std::set<std::string> names;
  if (!config::load_vm(file.text, map, memory.arena(), errors, *vm).ok()) return names;
  names = {std::string(vm->kernel.image), std::string(vm->kernel.initrd), std::string(vm->kernel.dtb)};
  for (const config::MemoryRegion& region : vm->memory.regions) names.insert(std::string(region.image));
  names.erase("");
  return names;
}

// The archive's content by name: configuration first, so that listing a bundle shows it first.
class Archive {
 public:
  bool add(const std::string& name, std::string_view content) {
    if (!names_.insert(name).second) {
      std::fprintf(stderr, "the bundle would have two files called \"%s\"\n", name.c_str());
      return false;
    }
    entries_.push_back({name, content});
    return true;
  }

  bool write(const std::string& path) const {
    size_t size = hal::CpioWriter::trailer_size();
    for (const Entry& entry : entries_) size += hal::CpioWriter::size_of(entry.name, entry.content.size());
    std::vector<std::byte> buffer(size);
    hal::CpioWriter writer(buffer);
    for (const Entry& entry : entries_) writer.file(entry.name, bytes_of(entry.content));
    const auto archive = writer.finish();
    if (archive.ok()) return write_file(path, *archive);
    const std::string_view why = name(archive.error());
    std::fprintf(stderr, "%s: %.*s\n", path.c_str(), static_cast<int>(why.size()), why.data());
    return false;
  }

 private:
  struct Entry {
    std::string name;
    std::string_view content;
  };
  std::vector<Entry> entries_;
  std::set<std::string> names_;
};

bool check_all(const PackOptions& options, Inputs& inputs) {
  Checker checker(options.loongarch64 ? vmm::GuestIsa::loongarch64 : vmm::GuestIsa::aarch64, inputs.files);
  bool all_good = !inputs.plinth || checker.check_host(*inputs.plinth);
  for (const ConfigText& vm : inputs.vms) all_good &= checker.check_vm(vm);
  return all_good;
}

// Everything that was given by name, and what the VM files name in the bundle's folder.
std::set<std::string> images(const PackOptions& options, const Inputs& inputs) {
  std::set<std::string> names;
  for (const auto& [name, path] : inputs.files.named()) names.insert(name);
  for (const ConfigText& vm : inputs.vms) {
    for (const std::string& name : files_named_by(vm, options.loongarch64)) {
      if (inputs.files.find(name)) names.insert(name);
    }
  }
  return names;
}

}  // namespace

int pack(const PackOptions& options) {
  auto inputs = Inputs::read(options, options.plinth, options.vms);
  if (!inputs) return bad_file;
  if (!options.unchecked && !check_all(options, *inputs)) return bad_input;
  Archive archive;
  bool complete = !inputs->plinth || archive.add("plinth.toml", inputs->plinth->text);
  for (const ConfigText& vm : inputs->vms) complete &= archive.add("vms/" + vm.path.filename().string(), vm.text);
  for (const std::string& name : images(options, *inputs)) {
    const std::string* const content = inputs->files.content(name);
    if (content == nullptr) return bad_file;
    complete &= archive.add(name, *content);
  }
  if (!complete) return bad_input;
  return archive.write(options.output) ? good : bad_file;
}

}  // namespace host
