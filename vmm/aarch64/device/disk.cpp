// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virtio_slots.hpp"
#include "vmm/disk/disk_device.hpp"

namespace vmm::aarch64 {

namespace {

class Disk final : public DiskDevice {
 public:
  Disk(const DeviceSite& site, unsigned index)
      : DiskDevice(site, index),
        slot_(first_virtio_slot(site.config) + index),
        transport_(virtio_window(slot_).start, IrqLine(site.irqs, virtio_irq(slot_)), model()) {
    has_windows({&transport_});
  }

  void describe(DeviceTreeWriter& tree) const override { describe_virtio_slot(tree, slot_); }

 private:
  const unsigned slot_;
  virtio::MmioTransport transport_;
};

}  // namespace

constinit const DeviceKind disk_device = device_kind<Disk>;

}  // namespace vmm::aarch64
