// SPDX-License-Identifier: Apache-2.0
#include "tools/host/checker.hpp"

#include <algorithm>
#include <cstdio>

#include "config/places.hpp"
#include "tools/host/files.hpp"
#include "vmm/loader/device_tree.hpp"

namespace host {
namespace {

// What guests leave for Plinth itself; docs/figures.md says how it is measured.
constexpr uint64_t own_memory = 2 * hal::mib;

template <class... Arguments>
void say(hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  char buffer[1024];
  hal::BufferSink sink(buffer);
  hal::format(sink, pattern, arguments...);
  std::printf("%.*s\n", static_cast<int>(sink.text().size()), sink.text().data());
}

}  // namespace

template <class... Arguments>
void Checker::Vm::error(std::string_view key, hal::Pattern<std::type_identity_t<Arguments>...> pattern,
                        const Arguments&... arguments) const {
  errors.error(config::position_of(file.text, arena, key), pattern, arguments...);
}

Checker::Checker(vmm::GuestIsa isa, BundleFiles& files)
    : isa_(isa),
      map_(isa == vmm::GuestIsa::aarch64 ? config::aarch64_board : config::loongarch64_board),
      files_(files),
      inflater_(std::make_unique<vmm::Inflater>()) {}

void Checker::set_board(BoardFacts board) {
  board_.emplace(std::move(board));
  machine_ = board_->machine;
  machine_.free_memory -= std::min(own_memory, machine_.free_memory);
  resources_.set_platform(board_->platform);
}

bool Checker::check_vm(const ConfigText& file) {
  const auto vm = std::make_unique<config::VmConfig>();
  std::vector<std::byte> arena(config::load_arena_size);
  Reporter reporter(file);
  config::Diagnostics errors(file.path.native(), reporter);
  if (!config::load_vm(file.text, map_, arena, errors, *vm).ok()) return false;
  const Vm checked{file, *vm, arena, errors};
  check_name(checked);
  check_files(checked);
  check_demands(checked);
  if (errors.errors() > 0) return false;
  say("{}: VM {}, {} {}, {} of memory{}", std::string_view(file.path.native()), vm->name.view(), vm->vcpus,
      vm->vcpus == 1 ? "vCPU" : "vCPUs", hal::Size{memory_of(*vm)},
      files_.known() ? "" : "; its files were not looked at");
  return true;
}

void Checker::check_name(const Vm& vm) {
  const std::string_view name = vm.config.name;
  if (!names_.emplace(name).second) vm.error("name", "there is a VM \"{}\" already", name);
  if (vm.file.path.extension() != ".toml") {
    vm.errors.error({}, "a VM file is called NAME.toml: the hypervisor takes no other for one");
  }
}

bool Checker::check_host(const ConfigText& file, const std::set<std::string>& bundled) {
  const auto host = std::make_unique<config::HostConfig>();
  std::vector<std::byte> arena(config::load_arena_size);
  Reporter reporter(file);
  config::Diagnostics errors(file.path.native(), reporter);
  if (!config::load_host(file.text, arena, errors, *host).ok()) return false;
  for (size_t i = 0; i < host->vms.size(); ++i) {
    if (bundled.contains(std::string(host->vms[i]))) continue;
    errors.error(config::position_of(file.text, arena, "vms." + std::to_string(i)), "the bundle has no file \"{}\"",
                 host->vms[i].view());
  }
  if (errors.errors() > 0) return false;
  say("{}: good", std::string_view(file.path.native()));
  return true;
}

uint64_t Checker::memory_of(const config::VmConfig& vm) const {
  uint64_t size = 0;
  for (const config::MemoryRegion& region : config::memory_map(vm.memory, map_)) size += region.range.size;
  return size;
}

// ----------------------------------------------------------------------------------------------------------- files

const std::string* Checker::content(const Vm& vm, std::string_view path, std::string_view key) {
  const std::string* const found = files_.content(std::string(path));
  if (found == nullptr) vm.error(key, "`{}`: \"{}\" cannot be read, as said above", key, path);
  return found;
}

void Checker::check_files(const Vm& vm) {
  if (!files_.known()) return;
  const auto has_file = [](void* files, std::string_view name) {
    return static_cast<BundleFiles*>(files)->find(std::string(name)).has_value();
  };
  const vmm::VmFile file{vm.config, map_, vm.file.text, vm.arena};
  if (vmm::names_files_that_are_there(file, has_file, &files_, vm.errors)) check_load(vm);
}

// Where a load error belongs. A generated device tree is no file: its kernel is to blame.
void Checker::report(const Vm& vm, const vmm::LoadError& error, std::string_view region_key) const {
  using Part = vmm::LoadError::Part;
  const config::KernelConfig& kernel = vm.config.kernel;
  std::string_view key = "kernel.image";
  std::string_view path = kernel.image;
  if (error.part() == Part::initrd) {
    key = "kernel.initrd";
    path = kernel.initrd;
  } else if (error.part() == Part::device_tree && !kernel.dtb.empty()) {
    key = "kernel.dtb";
    path = kernel.dtb;
  }
  char buffer[config::Diagnostics::message_capacity];
  hal::BufferSink why(buffer);
  describe(why, error);
  if (!region_key.empty()) return vm.error(region_key, "`{}`: {}", region_key, why.text());
  vm.error(key, "`{}` \"{}\": {}", key, path, why.text());
}

// All that vmm::load_vm() does, but for the guest's memory.
void Checker::check_load(const Vm& vm) {
  const config::KernelConfig& kernel = vm.config.kernel;
  std::vector<const std::string*> contents;
  config::for_each_file(vm.config, [&](std::string_view key, std::string_view name) {
    contents.push_back(content(vm, name, key));
  });
  if (std::ranges::contains(contents, nullptr)) return;
  const auto bytes = [&](const config::BundlePath& name) {
    return name.empty() ? std::span<const std::byte>{} : bytes_of(*files_.content(std::string(name.view())));
  };
  const auto regions = config::memory_map(vm.config.memory, map_);
  std::vector<std::span<const std::byte>> region_images;
  for (const config::MemoryRegion& region : regions) region_images.push_back(bytes(region.image));
  const auto own_tree = bytes(kernel.dtb);
  const vmm::LoadRequest request{.isa = isa_,
                                 .kernel = bytes(kernel.image),
                                 .initrd = bytes(kernel.initrd),
                                 .format = kernel.format,
                                 .load = kernel.load,
                                 .entry = kernel.entry,
                                 .regions = {regions.begin(), regions.end()},
                                 .region_images = region_images,
                                 .fdt_capacity = vmm::device_tree_capacity(own_tree)};
  const auto plan = vmm::plan_load(request, *inflater_);
  if (!plan.ok()) {
    std::string region_key;
    if (plan.error().part() == vmm::LoadError::Part::region) {
      const auto is_too_small = [&](const auto& region) { return bytes(region.image).size() > region.range.size; };
      const auto& all = vm.config.memory.regions;
      const auto index = std::ranges::find_if(all, is_too_small) - all.begin();
      region_key = "memory.region." + std::to_string(index) + ".image";
    }
    return report(vm, plan.error(), region_key);
  }
  for (size_t i = 0; i < vm.config.disks.size(); ++i) {
    const config::DiskConfig& disk = vm.config.disks[i];
    if (disk.image.empty() || !bytes(disk.image).empty()) continue;
    vm.error("disk." + std::to_string(i) + ".image", "`disk.image`: \"{}\" is empty", disk.image.view());
  }
  if (own_tree.empty()) return;
  std::vector<std::byte> buffer(request.fdt_capacity);
  const vmm::GuestFacts facts{
      .regions = request.regions,
      .region_images = {plan->region_images.begin(), plan->region_images.size()},
      .cmdline = kernel.cmdline, .initrd = plan->initrd, .seed = {}};
  const auto tree = vmm::patch_device_tree(facts, own_tree, buffer);
  if (!tree.ok()) report(vm, vmm::LoadError::of(tree.error()));
}

// --------------------------------------------------------------------------------------------------------- machine

void Checker::check_demands(const Vm& vm) {
  const vmm::VmFile file{vm.config, map_, vm.file.text, vm.arena};
  if (!vmm::meets_demands(file, machine_, resources_, vm.errors)) return;
  if (board_) machine_.free_memory -= memory_of(vm.config);
  auto& claims = claims_.emplace_back();
  for (size_t i = 0; i < vm.config.passthrough.size(); ++i) {
    (void)resources_.claim(claims[i], vm.config.passthrough[i].host, vm.config.name);
  }
}

}  // namespace host
