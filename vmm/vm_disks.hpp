// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "config/vm_config.hpp"
#include "hal/base/result.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "vmm/disk/memory_disks.hpp"

namespace vmm {

class Vm;
enum class VmError : uint8_t;

// What is behind the disks of one VM, with all the memory they will ever need: taken when the VM is made, and scrubbed
// when it goes. Whatever the guest does, and however often it is started, their content stays.
class VmDisks {
 public:
  VmDisks() = default;
  VmDisks(const VmDisks&) = delete;
  VmDisks& operator=(const VmDisks&) = delete;
  ~VmDisks();

  // Those of the VM's file, once. The log says why not.
  hal::Result<void, VmError> create(const Vm& vm);
  // In the order of the file.
  [[nodiscard]] std::span<BlockBackend* const> backends() const { return {backends_.data(), count_}; }

 private:
  struct Disk {
    std::variant<std::monostate, ImageDisk, RamDisk, OverlayDisk> model;
    BlockBackend* host = nullptr;  // one of the machine's; `model` is nothing
    mm::OwnedArray<mm::OwnedFrames> frames;
    mm::OwnedArray<std::byte*> chunks;
    mm::OwnedArray<uint32_t> index;
  };

  hal::Result<void, VmError> add(const Vm& vm, const config::DiskConfig& config, Disk& disk);
  [[nodiscard]] static hal::Result<ChunkedMemory, mm::MmError> reserve(Disk& disk, uint64_t size);

  mm::OwnedArray<Disk> disks_;
  std::array<BlockBackend*, config::max_disks> backends_{};
  size_t count_ = 0;
};

}  // namespace vmm
