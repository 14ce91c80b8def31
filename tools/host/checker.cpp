// SPDX-License-Identifier: Apache-2.0
#include "tools/host/checker.hpp"

#include <bit>
#include <cstdio>

#include "hal/base/fdt.hpp"
#include "tools/host/files.hpp"
#include "tools/host/toml_memory.hpp"

namespace host {
namespace {

// What guests leave for Plinth itself; docs/figures.md says how it is measured.
constexpr uint64_t own_memory = 2 * hal::mib;

void print(std::FILE* to, hal::BufferSink& text) {
  std::fprintf(to, "%.*s\n", static_cast<int>(text.text().size()), text.text().data());
}

template <class... Arguments>
void say(std::FILE* to, hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  char buffer[1024];
  hal::BufferSink sink(buffer);
  hal::format(sink, pattern, arguments...);
  print(to, sink);
}

}  // namespace

Checker::Checker(vmm::GuestIsa isa, BundleFiles& files)
    : isa_(isa),
      map_(isa == vmm::GuestIsa::aarch64 ? config::aarch64_board : config::loongarch64_board),
      files_(files),
      inflater_(std::make_unique<vmm::Inflater>()) {}

bool Checker::check_vm(const ConfigText& file) {
  const auto vm = std::make_unique<config::VmConfig>();
  const TomlMemory memory(file.text);
  Reporter reporter(file);
  config::Diagnostics errors(file.path.native(), reporter);
  if (!config::load_vm(file.text, map_, memory.arena(), errors, *vm).ok()) return false;
  const Vm checked{file, *vm, errors};
  const std::string name(vm->name.view());
  if (!names_.insert(name).second) {
    errors.error(position_of(file.text, "name"), "another VM is called \"{}\" too", std::string_view(name));
  }
  check_files(checked);
  check_against_board(checked);
  memory_ += memory_of(*vm);
  if (errors.errors() > 0) return false;
  say(stdout, "{}: VM {}, {} {}, {} of memory{}", std::string_view(file.path.native()), std::string_view(name),
      vm->vcpus, vm->vcpus == 1 ? "vCPU" : "vCPUs", hal::Size{memory_of(*vm)},
      files_.known() ? "" : "; its files were not looked at");
  return true;
}

bool Checker::check_host(const ConfigText& file) {
  const auto host = std::make_unique<config::HostConfig>();
  const TomlMemory memory(file.text);
  Reporter reporter(file);
  config::Diagnostics errors(file.path.native(), reporter);
  if (!config::load_host(file.text, memory.arena(), errors, *host).ok()) return false;
  say(stdout, "{}: good", std::string_view(file.path.native()));
  return true;
}

bool Checker::check_together() const {
  if (!board_ || memory_ + own_memory <= board_->memory) return true;
  say(stderr, "the VMs need {} together and Plinth {}; the board has {}", hal::Size{memory_}, hal::Size{own_memory},
      hal::Size{board_->memory});
  return false;
}

uint64_t Checker::memory_of(const config::VmConfig& vm) const {
  uint64_t size = 0;
  for (const config::MemoryRegion& region : config::memory_map(vm.memory, map_)) size += region.range.size;
  return size;
}

// ----------------------------------------------------------------------------------------------------------- files

const std::string* Checker::content(const Vm& vm, std::string_view path, const std::string& key) {
  const std::string name(path);
  if (files_.find(name)) return files_.content(name);
  vm.errors.error(position_of(vm.file.text, key), "`{}`: the bundle has no file \"{}\"", std::string_view(key), path);
  return nullptr;
}

void Checker::check_files(const Vm& vm) {
  if (!files_.known()) return;
  check_kernel(vm);
  check_own_tree(vm);
  check_regions(vm);
}

void Checker::check_kernel(const Vm& vm) {
  const config::KernelConfig& kernel = vm.config.kernel;
  const std::string* const image = content(vm, kernel.image, "kernel.image");
  const bool wants_initrd = !kernel.initrd.empty();
  const std::string* const initrd = wants_initrd ? content(vm, kernel.initrd, "kernel.initrd") : nullptr;
  if (image == nullptr || (wants_initrd && initrd == nullptr)) return;
  const auto regions = config::memory_map(vm.config.memory, map_);
  vmm::LoadRequest request;
  request.isa = isa_;
  request.kernel = bytes_of(*image);
  if (initrd != nullptr) request.initrd = bytes_of(*initrd);
  request.format = kernel.format;
  request.load = kernel.load;
  request.entry = kernel.entry;
  request.regions = {regions.begin(), regions.end()};
  const auto plan = vmm::plan_load(request, *inflater_);
  if (plan.ok()) return;
  char buffer[config::Diagnostics::message_capacity];
  hal::BufferSink why(buffer);
  describe(why, plan.error());
  const bool is_about_initrd = plan.error().kind == vmm::LoadError::Kind::initrd_too_large;
  const std::string_view key = is_about_initrd ? "kernel.initrd" : "kernel.image";
  vm.errors.error(position_of(vm.file.text, key), "`{}` \"{}\": {}", key,
                  is_about_initrd ? kernel.initrd.view() : kernel.image.view(), why.text());
}

void Checker::check_own_tree(const Vm& vm) {
  const config::BundlePath& path = vm.config.kernel.dtb;
  if (path.empty()) return;
  const std::string* const blob = content(vm, path, "kernel.dtb");
  if (blob == nullptr) return;
  const auto tree = hal::Fdt::open(bytes_of(*blob));
  if (tree.ok()) return;
  vm.errors.error(position_of(vm.file.text, "kernel.dtb"), "`kernel.dtb` \"{}\": {}", path.view(), name(tree.error()));
}

void Checker::check_regions(const Vm& vm) {
  for (size_t i = 0; i < vm.config.memory.regions.size(); ++i) {
    const config::MemoryRegion& region = vm.config.memory.regions[i];
    if (region.image.empty()) continue;
    const std::string key = "memory.region." + std::to_string(i) + ".image";
    const std::string* const image = content(vm, region.image, key);
    if (image == nullptr || image->size() <= region.range.size) continue;
    vm.errors.error(position_of(vm.file.text, key), "\"{}\" of {} bytes does not fit into the region of {}",
                    region.image.view(), image->size(), hal::Size{region.range.size});
  }
}

// ----------------------------------------------------------------------------------------------------------- board

void Checker::check_against_board(const Vm& vm) const {
  if (!board_) return;
  const auto at = [&](std::string_view key) { return position_of(vm.file.text, key); };
  if (memory_of(vm.config) + own_memory > board_->memory) {
    vm.errors.error(at("memory"), "the VM wants {} of memory; the board has {}, of which Plinth needs {}",
                    hal::Size{memory_of(vm.config)}, hal::Size{board_->memory}, hal::Size{own_memory});
  }
  const uint64_t present = board_->cpus >= 64 ? UINT64_MAX : (uint64_t{1} << board_->cpus) - 1;
  const bool names_cpus = vm.config.cpus != config::CpuSet::all();
  if (names_cpus && (vm.config.cpus.bits & ~present) != 0) {
    vm.errors.error(at("cpus"), "`cpus` names CPU {}; the board has the CPUs 0 to {}",
                    std::countr_zero(vm.config.cpus.bits & ~present), board_->cpus - 1);
  }
  for (size_t i = 0; i < vm.config.affinity.size(); ++i) {
    if ((vm.config.affinity[i].bits & present) != 0) continue;
    vm.errors.error(at("affinity." + std::to_string(i)), "`affinity` of vCPU {} names no CPU that the board has", i);
  }
  const bool dedicated = vm.config.scheduler.policy == config::SchedulerPolicy::dedicated;
  if (dedicated && std::popcount(vm.config.cpus.bits & present) < static_cast<int>(vm.config.vcpus)) {
    vm.errors.error(at("scheduler.policy"), "{} dedicated vCPUs need a CPU each; the board has {} for them",
                    vm.config.vcpus, std::popcount(vm.config.cpus.bits & present));
  }
  const unsigned wanted = vm.config.gic == config::GicVersion::v2   ? 2
                          : vm.config.gic == config::GicVersion::v3 ? 3
                                                                    : board_->gic_version;
  if (board_->gic_version != 0 && wanted != board_->gic_version) {
    vm.errors.error(at("gic"), "`gic` is {}; the board has a GICv{}", wanted, board_->gic_version);
  }
  for (size_t i = 0; i < vm.config.passthrough.size(); ++i) {
    for (const hal::HostPhysRange& memory : board_->memory_ranges) {
      if (!memory.overlaps(vm.config.passthrough[i].host)) continue;
      vm.errors.error(at("passthrough." + std::to_string(i) + ".address"), "{} is the board's RAM, not a device",
                      vm.config.passthrough[i].host.start);
    }
  }
}

}  // namespace host
