// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm_disks.hpp"

#include <algorithm>

#include "hal/log.hpp"
#include "vmm/bundle.hpp"
#include "vmm/host_disks.hpp"
#include "vmm/vm.hpp"

namespace vmm {

hal::Result<ChunkedMemory, mm::MmError> VmDisks::reserve(Disk& disk, uint64_t size) {
  const size_t count = (size + ChunkedMemory::chunk - 1) / ChunkedMemory::chunk;
  disk.frames = TRY(mm::make_array<mm::OwnedFrames>(count));
  disk.chunks = TRY(mm::make_array<std::byte*>(count));
  for (size_t i = 0; i < count; ++i) {
    disk.frames.span()[i] = TRY(mm::OwnedFrames::allocate(mm::frames(), mm::order_for(ChunkedMemory::chunk),
                                                          mm::FrameUse::guest, mm::Contents::zeroed));
    disk.chunks.span()[i] = disk.frames.span()[i].bytes().data();
    task::yield();
  }
  return ChunkedMemory{disk.chunks.span()};
}

hal::Result<void, VmError> VmDisks::add(const Vm& vm, const config::DiskConfig& config, Disk& disk) {
  const auto out_of_memory = [&](uint64_t size) {
    hal::log::error("{}: disk: {} of memory wanted, {} free", vm.name(), hal::Size{size},
                    hal::Size{mm::frames().counts().free * hal::page_size});
    return hal::fail(VmError::out_of_memory);
  };
  if (!config.host.empty()) {
    disk.host = host_disks().claim(config, vm.name());
    if (disk.host == nullptr) return hal::fail(VmError::not_possible);
    return {};
  }
  if (config.mode == config::DiskMode::ram) {
    const auto memory = reserve(disk, config.size);
    if (!memory) return out_of_memory(config.size);
    disk.model.emplace<RamDisk>(*memory, config.size);
    return {};
  }
  const std::span<const std::byte> image = bundle().find(config.image.view()).value_or(std::span<const std::byte>{});
  if (image.empty()) {
    hal::log::error("{}: disk.image: \"{}\" is {}", vm.name(), config.image.view(),
                    bundle().find(config.image.view()) ? "empty" : "not in the bundle");
    return hal::fail(VmError::not_possible);
  }
  if (config.mode == config::DiskMode::read_only) {
    disk.model.emplace<ImageDisk>(image);
    return {};
  }
  const uint64_t wanted = config.layer != 0 ? config.layer : image.size();
  auto index = mm::make_array<uint32_t>(OverlayDisk::clusters(image.size()));
  if (!index) return out_of_memory(wanted);
  disk.index = std::move(index).value();
  const auto memory = reserve(disk, wanted);
  if (!memory) return out_of_memory(wanted);
  disk.model.emplace<OverlayDisk>(image, disk.index.span(), *memory);
  return {};
}

hal::Result<void, VmError> VmDisks::create(const Vm& vm) {
  const auto& wanted = vm.config().disks;
  auto disks = mm::make_array<Disk>(wanted.size());
  if (!disks) return hal::fail(VmError::out_of_memory);
  disks_ = std::move(disks).value();
  for (const config::DiskConfig& config : wanted) {
    Disk& disk = disks_.span()[count_];
    TRY(add(vm, config, disk));
    if (auto* const image = std::get_if<ImageDisk>(&disk.model)) backends_[count_] = image;
    if (auto* const ram = std::get_if<RamDisk>(&disk.model)) backends_[count_] = ram;
    if (auto* const overlay = std::get_if<OverlayDisk>(&disk.model)) backends_[count_] = overlay;
    if (disk.host != nullptr) backends_[count_] = disk.host;
    ++count_;
  }
  return {};
}

// What a guest has written is nobody else's to read: whoever destroys the VM scrubs it, with the VM's RAM.
VmDisks::~VmDisks() {
  for (Disk& disk : disks_.span()) {
    if (disk.host != nullptr) host_disks().release(*disk.host);
    for (mm::OwnedFrames& frames : disk.frames.span()) {
      if (!frames) continue;
      mm::frames().free_dirty(frames.release(), mm::order_for(ChunkedMemory::chunk), mm::FrameUse::guest);
    }
  }
}

}  // namespace vmm
