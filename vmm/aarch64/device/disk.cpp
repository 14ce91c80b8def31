// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virtio_slots.hpp"
#include "vmm/virtio/blk.hpp"

namespace vmm::aarch64 {

namespace {

class Disk final : public Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return static_cast<unsigned>(vm.disks.size()); }

  Disk(const DeviceSite& site, unsigned index)
      : slot_(first_virtio_slot(site.config) + index),
        model_(site, *site.disks[index], site.config.disks[index].serial.view()),
        transport_(virtio_window(slot_).start, IrqLine(site.irqs, virtio_irq(slot_)), model_) {
    has_windows({&transport_});
  }

  void describe(DeviceTreeWriter& tree) const override { describe_virtio_slot(tree, slot_); }
  void quiesce() override { model_.power_on(); }

 private:
  const unsigned slot_;
  virtio::Blk model_;
  virtio::MmioTransport transport_;
};

}  // namespace

constinit const DeviceKind disk_device = device_kind<Disk>;

}  // namespace vmm::aarch64
