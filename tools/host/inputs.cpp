// SPDX-License-Identifier: Apache-2.0
#include "tools/host/inputs.hpp"

#include <cstdio>

#include "config/toml.hpp"
#include "tools/host/named_files.hpp"
#include "tools/host/overrides.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {
namespace {

// What --set may call the VM: its name, or the file's while that cannot be read.
std::string name_of(const ConfigText& file) {
  const TomlMemory memory(file.text);
  const auto document = config::toml::parse(file.text, memory.arena());
  const config::toml::Node* const name = document.ok() ? document->root->find("name") : nullptr;
  const bool named = name != nullptr && name->is(config::toml::Kind::string);
  return named ? std::string(name->text()) : file.path.stem().string();
}

bool apply_override(const std::string& argument, Inputs& inputs) {
  const auto change = Override::parse(argument);
  if (!change) return false;
  if (change->vm == "plinth") {
    // Without a file of its own, its settings are all defaults.
    if (!inputs.plinth) inputs.plinth = ConfigText::of("plinth.toml", "");
    return apply(*change, *inputs.plinth);
  }
  bool met = false;
  for (ConfigText& vm : inputs.vms) {
    if (name_of(vm) != change->vm) continue;
    met = true;
    if (!apply(*change, vm)) return false;
  }
  if (met) return true;
  std::string names;
  for (const ConfigText& vm : inputs.vms) names += " " + name_of(vm);
  std::fprintf(stderr, "--set %s: no VM is called \"%s\"; there are:%s plinth\n", argument.c_str(), change->vm.c_str(),
               names.c_str());
  return false;
}

}  // namespace

std::string Inputs::bundle_name(const ConfigText& vm) { return "vms/" + vm.path.filename().string(); }

std::set<std::string> Inputs::bundled_vms() const {
  std::set<std::string> names;
  for (const ConfigText& vm : vms) names.insert(bundle_name(vm));
  return names;
}

std::optional<Inputs> Inputs::read(const CommonOptions& options, const std::string& plinth,
                                   const std::vector<std::string>& vms) {
  Inputs inputs;
  if (!plinth.empty()) {
    inputs.plinth = ConfigText::read(plinth);
    if (!inputs.plinth) return {};
  }
  for (const std::string& path : vms) {
    auto vm = ConfigText::read(path);
    if (!vm) return {};
    inputs.vms.push_back(std::move(*vm));
  }
  for (const std::string& argument : options.sets) {
    if (!apply_override(argument, inputs)) return {};
  }
  for (const std::string& argument : options.images) {
    if (!inputs.files.add(argument)) return {};
  }
  for (const auto& [name, path] : options.files_by_name) {
    if (!inputs.files.add(name, path)) return {};
  }
  inputs.files.set_folder(options.bundle_dir);
  if (options.complete) inputs.files.set_complete();
  for (const ConfigText& vm : inputs.vms) inputs.files.add_kernel(NamedFiles::of(vm, options.loongarch64).kernel);
  return inputs;
}

}  // namespace host
