// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "vmm/aarch64/psci.hpp"
#include "vmm/irq/vgic/guest_memory.hpp"

namespace vmm {

class Vm;

// What firmware and the ITS want with a VM's memory.
class GuestRam final : public aarch64::GuestEntryCheck, public vgic::GuestMemoryAccess {
 public:
  explicit GuestRam(Vm& vm) : vm_(vm) {}
  bool is_executable(hal::GuestPhys entry) override;
  bool read(hal::GuestPhys from, std::span<std::byte> to) override;
  bool write(hal::GuestPhys to, std::span<const std::byte> from) override;

 private:
  Vm& vm_;
};

}  // namespace vmm
