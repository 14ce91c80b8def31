// SPDX-License-Identifier: Apache-2.0
// Any bytes as a guest's kernel: what is planned lies in the VM's memory without overlaps, and loading writes nowhere
// else.
#include <array>
#include <cstdlib>

#include "vmm/loader/image.hpp"

namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;

constexpr uint64_t ram = 0x4000'0000;

void require(bool holds) {
  if (!holds) std::abort();
}

class Checked final : public vmm::GuestMemorySink {
 public:
  explicit Checked(const vmm::LoadPlan& plan) : plan_(plan) {}
  hal::Result<void, vmm::LoadError> write(GuestPhys place, std::span<const std::byte> bytes) override {
    const GuestPhysRange range{place, bytes.size()};
    require(plan_.kernel.contains(range) || plan_.initrd.contains(range));
    return {};
  }
  hal::Result<void, vmm::LoadError> zero(GuestPhysRange range) override {
    require(plan_.kernel.contains(range));
    return {};
  }

 private:
  const vmm::LoadPlan& plan_;
};

class NoProgress final : public vmm::LoadProgress {
 public:
  void step() override {}
};

vmm::Inflater scratch;

}  // namespace

// The first byte chooses format and options; the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::array<config::MemoryRegion, 2> regions;
  regions[0].range = {GuestPhys(0), 2 * hal::mib};
  regions[0].kind = config::RegionKind::rom;
  regions[1].range = {GuestPhys(ram), 64 * hal::mib};
  const std::array<std::byte, 100> initrd{};
  const auto file = std::as_bytes(std::span(data + 1, size - 1));

  vmm::LoadRequest request;
  request.isa = (data[0] & 0x80) != 0 ? vmm::GuestIsa::loongarch64 : vmm::GuestIsa::aarch64;
  request.kernel = file;
  request.format = static_cast<config::ImageFormat>((data[0] & 7) % 5);
  if ((data[0] & 8) != 0) request.initrd = initrd;
  if ((data[0] & 16) != 0) request.load = GuestPhys(ram + 16 * hal::mib);
  request.regions = regions;

  const auto plan = vmm::plan_load(request, scratch);
  if (!plan.ok()) return 0;
  require(plan->kernel.contains(plan->entry));
  require(regions[1].range.contains(plan->fdt) && !plan->fdt.overlaps(plan->kernel));
  require(!plan->initrd.overlaps(plan->kernel) && !plan->initrd.overlaps(plan->fdt));
  require(plan->tables.empty() == (request.isa == vmm::GuestIsa::aarch64));
  for (const GuestPhysRange& other : {plan->kernel, plan->initrd, plan->fdt}) require(!plan->tables.overlaps(other));
  require(plan->tables.empty() || regions[1].range.contains(plan->tables));
  Checked memory(*plan);
  NoProgress progress;
  [[maybe_unused]] const bool loaded = vmm::load_images(request, *plan, memory, progress, scratch).ok();
  return 0;
}
