// SPDX-License-Identifier: Apache-2.0
// Registers that the distributor and the redistributors' SGI frames have in common: a bit, two bits or a byte for each
// interrupt. Which bank an access means is the frame's business.
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// Sections 12.9 (GICD_*) and 12.11 (GICR_*) of IHI 0069. `self` is the vCPU whose access this is. No lock is held.
struct BankRegisters {
  using Read = uint32_t (*)(Model&, Bank&, CpuContext& self);
  using Write = void (*)(Model&, Bank&, CpuContext& self, uint32_t value);

  static uint32_t group(Model&, Bank&, CpuContext& self);
  static uint32_t enabled(Model&, Bank&, CpuContext& self);
  static uint32_t pending(Model&, Bank&, CpuContext& self);
  static uint32_t active(Model&, Bank&, CpuContext& self);

  static void set_group(Model&, Bank&, CpuContext& self, uint32_t value);
  static void set_enabled(Model&, Bank&, CpuContext& self, uint32_t value);
  static void clear_enabled(Model&, Bank&, CpuContext& self, uint32_t value);
  static void set_pending(Model&, Bank&, CpuContext& self, uint32_t value);
  static void clear_pending(Model&, Bank&, CpuContext& self, uint32_t value);
  static void set_active(Model&, Bank&, CpuContext& self, uint32_t value);
  static void clear_active(Model&, Bank&, CpuContext& self, uint32_t value);

  // IPRIORITYR: `count` bytes from interrupt `first` of the bank on, as one little-endian number.
  static uint32_t priorities(Bank&, unsigned first, unsigned count);
  static void set_priorities(Model&, Bank&, CpuContext& self, unsigned first, unsigned count, uint32_t value);
  // ICFGR: 16 interrupts from `first` (0 or 16) on, the upper bit of each pair.
  static uint32_t configuration(Bank&, unsigned first);
  static void set_configuration(Model&, Bank&, CpuContext& self, unsigned first, uint32_t value);
};

// SGIs of version 2 cannot be disabled, as on the GIC-400.
[[nodiscard]] inline uint32_t always_enabled(const Model& m, Bank& bank) {
  return bank.is_private() && !m.is_v3() ? 0xffff : 0;
}

}  // namespace vmm::vgic
