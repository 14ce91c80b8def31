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

// ICC_CTLR_EL1, ICC_PMR_EL1 and ICC_RPR_EL1 of a vCPU that is loaded, where its accesses to them trap.
enum class CommonRegister : uint8_t { ctlr, pmr, rpr };
[[nodiscard]] uint64_t read_common(const Model& model, CommonRegister which);
void write_common(const Model& model, CommonRegister which, uint64_t value);

// GICC_DIR or ICC_DIR_EL1, written by `self`.
void deactivate(Model& model, CpuContext& self, uint64_t value);

}  // namespace vmm::vgic
