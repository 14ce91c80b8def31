// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// GICD: one window of 64 KiB, of which version 2 uses the first 4 KiB.
class Distributor final : public MmioDevice {
 public:
  explicit Distributor(Model& model);
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override {}  // Vgic::reset() does it all

 private:
  Model& model_;
};

// GICR: two frames of 64 KiB per vCPU, in order, in one window.
class Redistributors final : public MmioDevice {
 public:
  explicit Redistributors(Model& model);
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override {}

 private:
  Model& model_;
};

// The second page of version 2's CPU interface. It holds GICC_DIR only; the first page is the hardware's GICV.
class DeactivatePage final : public MmioDevice {
 public:
  explicit DeactivatePage(Model& model);
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override {}

 private:
  Model& model_;
};

}  // namespace vmm::vgic
