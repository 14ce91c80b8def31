// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <set>

#include "hal/base/cpio.hpp"
#include "tools/host/checker.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/files.hpp"
#include "tools/host/inputs.hpp"
#include "tools/host/named_files.hpp"

namespace host {
namespace {

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
  bool all_good = !inputs.plinth || checker.check_host(*inputs.plinth, inputs.bundled_vms());
  for (const ConfigText& vm : inputs.vms) all_good &= checker.check_vm(vm);
  return all_good;
}

// Everything that was given by name, and what the VM files name in the bundle's folder.
std::set<std::string> images(const PackOptions& options, const Inputs& inputs) {
  std::set<std::string> names;
  for (const auto& [name, path] : inputs.files.named()) names.insert(name);
  for (const ConfigText& vm : inputs.vms) {
    for (const std::string& name : NamedFiles::of(vm, options.loongarch64).all) {
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
  for (const ConfigText& vm : inputs->vms) complete &= archive.add(Inputs::bundle_name(vm), vm.text);
  for (const std::string& name : images(options, *inputs)) {
    const std::string* const content = inputs->files.content(name);
    if (content == nullptr) return bad_file;
    complete &= archive.add(name, *content);
  }
  if (!complete) return bad_input;
  return archive.write(options.output) ? good : bad_file;
}

}  // namespace host
