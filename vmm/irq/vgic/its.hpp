// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// The Interrupt Translation Service, IHI 0069 chapter 5: turns (DeviceID, EventID) into an LPI of a vCPU.
class Its final : public MmioDevice {
 public:
  explicit Its(Model& model);
  uint64_t read(const MmioAccess& access) override;
  void write(const MmioAccess& access, uint64_t value) override;
  void reset() override {}

  // A device's message.
  void translate(uint32_t device_id, uint32_t event_id);
  void reset_state();

 private:
  Model& model_;
};

}  // namespace vmm::vgic
