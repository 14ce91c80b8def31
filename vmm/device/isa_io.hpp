// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/mmio.hpp"

namespace vmm {

// The I/O space of an ISA bus on which there is nothing: no device drives the data lines, so they read as ones. Kernels
// of PC-like machines look there for a keyboard controller without asking whether there is one, and take an abort badly.
class IsaIo final : public MmioDevice {
 public:
  explicit IsaIo(hal::GuestPhysRange window) : MmioDevice("isa", window) {}

  uint64_t read(MmioAccess) override { return ~uint64_t{0}; }
  void write(MmioAccess, uint64_t) override {}
  void reset() override {}
};

}  // namespace vmm
