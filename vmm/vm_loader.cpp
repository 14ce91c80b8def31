// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm_loader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "task/task.hpp"
#include "vmm/bundle.hpp"
#include "vmm/loader/device_tree.hpp"
#include "vmm/loader/efi_tables.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/loader/inflate.hpp"
#include "vmm/vm.hpp"

namespace vmm {
namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;

// Into the VM's memory, whatever the guest itself may do there, in pieces so that others get their turn.
class Memory final : public GuestMemorySink, public LoadProgress {
 public:
  explicit Memory(Vm& vm) : vm_(vm), space_(vm.space()) {}

  hal::Result<void, LoadError> write(GuestPhys place, std::span<const std::byte> bytes) override {
    if (vm_.load_is_abandoned()) return hal::fail(LoadError{.kind = LoadError::Kind::abandoned});
    return checked(space_.write(place, bytes, mm::GuestSpace::As::owner), place);
  }
  hal::Result<void, LoadError> zero(GuestPhysRange range) override {
    // Nothing interrupts a piece: so long a guest of a better class may have to wait.
    constexpr uint64_t piece = 256 * hal::kib;
    for (uint64_t done = 0; done < range.size; done += piece) {
      if (vm_.load_is_abandoned()) return hal::fail(LoadError{.kind = LoadError::Kind::abandoned});
      const GuestPhysRange part{range.start + done, std::min(piece, range.size - done)};
      TRY(checked(space_.zero(part, mm::GuestSpace::As::owner), part.start));
      step();
    }
    return {};
  }
  void step() override { task::make_way(); }

 private:
  static hal::Result<void, LoadError> checked(const hal::Result<void, mm::MmError>& result, GuestPhys place) {
    if (!result) return hal::fail(LoadError{.kind = LoadError::Kind::memory_refused, .wanted = place.value()});
    return {};
  }

  Vm& vm_;
  mm::GuestSpace& space_;
};

hal::Failure<LoadError> no_memory() { return hal::fail(LoadError{.kind = LoadError::Kind::memory_refused}); }

std::span<const std::byte> file(std::string_view path) {
  return path.empty() ? std::span<const std::byte>{} : bundle().find(path).value_or(std::span<const std::byte>{});
}

// Clean memory, then the regions' images, kernel and initrd.
hal::Result<LoadPlan, LoadError> load_kernel(Vm& vm, Memory& memory) {
  const config::KernelConfig& kernel = vm.config().kernel;
  std::array<std::span<const std::byte>, config::max_memory_regions> region_images;
  std::ranges::transform(vm.regions(), region_images.begin(), [](const auto& region) { return file(region.image); });
  const LoadRequest request{.isa = Board::isa,
                            .kernel = file(kernel.image),
                            .initrd = file(kernel.initrd),
                            .format = kernel.format,
                            .load = kernel.load,
                            .entry = kernel.entry,
                            .regions = vm.regions(),
                            .region_images = {region_images.data(), vm.regions().size()},
                            .fdt_capacity = device_tree_capacity(file(kernel.dtb))};
  auto inflater = mm::make<Inflater>();
  if (!inflater) return no_memory();
  const LoadPlan plan = TRY(plan_load(request, **inflater, &memory));
  for (const config::MemoryRegion& region : vm.regions()) TRY(memory.zero(region.range));
  TRY(load_images(request, plan, memory, memory, **inflater));
  return plan;
}

hal::Result<void, LoadError> load_tree(Vm& vm, const LoadPlan& plan, Memory& memory) {
  const std::span<const std::byte> own = file(vm.config().kernel.dtb);
  const uint64_t capacity = device_tree_capacity(own);
  auto buffer = mm::OwnedFrames::allocate(mm::frames(), mm::order_for(capacity), mm::FrameUse::heap);
  if (!buffer) return no_memory();
  const auto tree = vm.board().describe(plan, own, buffer->bytes().first(capacity));
  if (!tree) return hal::fail(LoadError::of(tree.error()));
  return memory.write(plan.fdt.start, *tree);
}

// What the kernel is told in registers: where its device tree lies, or the tables that name it and the command line
// (LoongArch Linux, booting.rst: A0 says that UEFI booted it).
hal::Result<hal::StartState, LoadError> tell_kernel(const Vm& vm, const LoadPlan& plan, Memory& memory) {
  if (plan.tables.empty()) return hal::StartState{.pc = plan.entry, .arguments = {plan.fdt.start.value()}};
  std::array<std::byte, efi_tables_size(decltype(config::KernelConfig::cmdline)::capacity)> buffer;
  static_assert(buffer.size() <= LoadRequest{}.tables_capacity);
  const auto tables =
      write_efi_tables({.cmdline = vm.config().kernel.cmdline.view(), .fdt = plan.fdt.start, .initrd = plan.initrd},
                       plan.tables.start, buffer);
  if (!tables) return hal::fail(LoadError{.kind = LoadError::Kind::tables_too_large, .limit = plan.tables.size});
  TRY(memory.write(plan.tables.start, tables->bytes));
  return hal::StartState{.pc = plan.entry, .arguments = {1, tables->cmdline.value(), tables->system_table.value()}};
}

// The file to blame. A tree that Plinth made is told by the kernel that it is for.
hal::Failure<StartFailure> failed(const Vm& vm, const LoadError& error) {
  const config::KernelConfig& kernel = vm.config().kernel;
  std::string_view name = kernel.image;
  if (error.part() == LoadError::Part::initrd) name = kernel.initrd;
  if (error.part() == LoadError::Part::device_tree && !kernel.dtb.empty()) name = kernel.dtb;
  if (error.part() == LoadError::Part::region) {
    const auto too_large = std::ranges::find_if(
        vm.regions(), [](const auto& region) { return file(region.image).size() > region.range.size; });
    if (too_large != vm.regions().end()) name = too_large->image;
  }
  return hal::fail(StartFailure{name, error});
}

}  // namespace

hal::Result<hal::StartState, StartFailure> load_vm(Vm& vm) {
  Memory memory(vm);
  const auto plan = load_kernel(vm, memory);
  if (!plan) return failed(vm, plan.error());
  if (const auto loaded = load_tree(vm, *plan, memory); !loaded) return failed(vm, loaded.error());
  const auto start = tell_kernel(vm, *plan, memory);
  if (!start) return failed(vm, start.error());
  const auto publish = [&](const GuestPhysRange& loaded) { return loaded.empty() || vm.space().publish(loaded).ok(); };
  const bool published = std::ranges::all_of(plan->region_images, publish) &&
                         std::ranges::all_of(std::array{plan->kernel, plan->initrd, plan->fdt, plan->tables}, publish);
  if (!published) return failed(vm, no_memory().error);
  return *start;
}

}  // namespace vmm
