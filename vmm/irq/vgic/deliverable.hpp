// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// What a vCPU's CPU interface lets through (section 4.8 of IHI 0069): group enables, priority mask, and preemption of
// what is active. Of the loaded state if the vCPU is loaded, on its CPU; else of the saved one.
class Signalling {
 public:
  Signalling(const Model& model, const CpuContext& cpu);
  [[nodiscard]] bool passes(uint8_t priority, bool group1) const;

 private:
  uint32_t vmcr_;
  unsigned running_priority_;  // 0x100: nothing is active
};

// Would the CPU interface signal some interrupt? The vCPU holds nothing in list registers.
[[nodiscard]] bool would_signal(Model& model, CpuContext& cpu);

// GICC_DIR or ICC_DIR_EL1, written by `self`.
void deactivate(Model& model, CpuContext& self, uint64_t value);

}  // namespace vmm::vgic
