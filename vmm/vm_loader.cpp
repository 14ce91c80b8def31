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
  explicit Memory(mm::GuestSpace& space) : space_(space) {}

  hal::Result<void, LoadError> write(GuestPhys place, std::span<const std::byte> bytes) override {
    return checked(space_.write(place, bytes, mm::GuestSpace::As::owner), place);
  }
  hal::Result<void, LoadError> zero(GuestPhysRange range) override {
    constexpr uint64_t piece = 4 * hal::mib;
    for (uint64_t done = 0; done < range.size; done += piece) {
      const GuestPhysRange part{range.start + done, std::min(piece, range.size - done)};
      TRY(checked(space_.zero(part, mm::GuestSpace::As::owner), part.start));
      task::yield();
    }
    return {};
  }
  void step() override { task::yield(); }

 private:
  static hal::Result<void, LoadError> checked(const hal::Result<void, mm::MmError>& result, GuestPhys place) {
    if (!result) return hal::fail(LoadError{.kind = LoadError::Kind::memory_refused, .wanted = place.value()});
    return {};
  }

  mm::GuestSpace& space_;
};

hal::Failure<LoadError> no_memory() { return hal::fail(LoadError{.kind = LoadError::Kind::memory_refused}); }

std::span<const std::byte> file(std::string_view path) {
  return path.empty() ? std::span<const std::byte>{} : bundle().find(path).value_or(std::span<const std::byte>{});
}

hal::Result<void, LoadError> load_region_images(const Vm& vm, Memory& memory) {
  for (const config::MemoryRegion& region : vm.regions()) {
    const std::span<const std::byte> image = file(region.image);
    if (image.size() > region.range.size) {
      return hal::fail(
          LoadError{.kind = LoadError::Kind::region_too_small, .wanted = image.size(), .limit = region.range.size});
    }
    for (size_t done = 0; done < image.size(); done += LoadProgress::slice) {
      TRY(memory.write(region.range.start + done,
                       image.subspan(done, std::min(LoadProgress::slice, image.size() - done))));
      memory.step();
    }
  }
  return {};
}

// Clean memory, then kernel and initrd.
hal::Result<LoadPlan, LoadError> load_kernel(Vm& vm, Memory& memory) {
  const config::KernelConfig& kernel = vm.config().kernel;
  const LoadRequest request{.isa = Board::isa,
                            .kernel = file(kernel.image),
                            .initrd = file(kernel.initrd),
                            .format = kernel.format,
                            .load = kernel.load,
                            .entry = kernel.entry,
                            .regions = vm.regions(),
                            .fdt_capacity = device_tree_capacity(file(kernel.dtb))};
  auto inflater = mm::make<Inflater>();
  if (!inflater) return no_memory();
  const LoadPlan plan = TRY(plan_load(request, **inflater, &memory));
  for (const config::MemoryRegion& region : vm.regions()) TRY(memory.zero(region.range));
  TRY(load_region_images(vm, memory));
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

// A tree that Plinth made is told by the kernel that it is for; of several regions, the error itself tells enough.
hal::Failure<StartFailure> failed(const config::KernelConfig& kernel, const LoadError& error) {
  std::string_view file = kernel.image;
  if (error.part() == LoadError::Part::initrd) file = kernel.initrd;
  if (error.part() == LoadError::Part::device_tree && !kernel.dtb.empty()) file = kernel.dtb;
  return hal::fail(StartFailure{file, error});
}

}  // namespace

hal::Result<hal::StartState, StartFailure> load_vm(Vm& vm) {
  const config::KernelConfig& kernel = vm.config().kernel;
  Memory memory(vm.space());
  const auto plan = load_kernel(vm, memory);
  if (!plan) return failed(kernel, plan.error());
  if (const auto loaded = load_tree(vm, *plan, memory); !loaded) return failed(kernel, loaded.error());
  const auto start = tell_kernel(vm, *plan, memory);
  if (!start) return failed(kernel, start.error());
  for (const GuestPhysRange& loaded : {plan->kernel, plan->initrd, plan->fdt, plan->tables}) {
    if (!loaded.empty() && !vm.space().publish(loaded)) {
      return failed(kernel, no_memory().error);
    }
  }
  return *start;
}

}  // namespace vmm
