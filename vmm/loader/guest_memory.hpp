// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"

namespace vmm {

// Where a loader puts a guest's first contents: stage-2 memory in the kernel, a buffer in tests. Every range lies
// inside one region of the VM's memory, whatever its access rights for the guest.
class GuestMemorySink {
 public:
  virtual hal::Result<void, LoadError> write(hal::GuestPhys place, std::span<const std::byte> bytes) = 0;
  virtual hal::Result<void, LoadError> zero(hal::GuestPhysRange range) = 0;

 protected:
  ~GuestMemorySink() = default;
};

// Loading takes long: called after each slice of work so that other tasks get their turn.
class LoadProgress {
 public:
  static constexpr size_t slice = 64 * hal::kib;
  virtual void step() = 0;

 protected:
  ~LoadProgress() = default;
};

}  // namespace vmm
