// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// GICv2m (Arm Base System Architecture, appendix E "GICv2m architecture"): a frame beside a GICv2 that turns messages
// into edges of SPIs, which is how QEMU's board has it.
class Gicv2m final : public MmioDevice, public MsiSink {
 public:
  static constexpr uint64_t window_size = 0x1000;
  static constexpr uint64_t doorbell = 0x40;  // MSI_SETSPI_NS

  // Messages ask for the INTIDs [first, first + count).
  Gicv2m(hal::GuestPhys place, uint32_t first, uint32_t count, IrqSink& gic)
      : MmioDevice("gicv2m", {place, window_size}), first_(first), count_(count), gic_(gic) {}

  uint64_t read(MmioAccess access) override {
    constexpr uint64_t typer = 0x008, iidr = 0xfcc;
    constexpr uint64_t arm_rev0 = 0x53 << 20 | 0x43b;  // product, JEP106 code of Arm, as QEMU's frame has it
    if (access.size != 4) return 0;
    if (access.offset == typer) return uint64_t{first_} << 16 | count_;
    return access.offset == iidr ? arm_rev0 : 0;
  }
  void write(MmioAccess access, uint64_t value) override {
    if (access.offset == doorbell && access.size >= 2) send_msi(0, static_cast<uint32_t>(value));
  }
  void reset() override {}

  // The interrupt is all that counts, whoever sends it. Messages beyond these interrupts are lost.
  void send_msi(uint32_t /*device_id*/, uint32_t intid) override {
    if (intid - first_ >= count_) return;
    gic_.set_level(VirtualIrq{intid}, true);
    gic_.set_level(VirtualIrq{intid}, false);
  }

 private:
  const uint32_t first_;
  const uint32_t count_;
  IrqSink& gic_;
};

}  // namespace vmm::vgic
