// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virtio_slots.hpp"
#include "vmm/disk/describe.hpp"
#include "vmm/virtio/blk.hpp"

namespace vmm::aarch64 {

namespace {

class Disk final : public Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return static_cast<unsigned>(vm.disks.size()); }

  Disk(const DeviceSite& site, unsigned index)
      : slot_(first_virtio_slot(site.config) + index),
        config_(site.config.disks[index]),
        model_(site, *site.disks[index], config_.serial.view()),
        transport_(virtio_window(slot_).start, IrqLine(site.irqs, virtio_irq(slot_)), model_) {
    has_windows({&transport_});
  }

  void describe(DeviceTreeWriter& tree) const override { describe_virtio_slot(tree, slot_); }
  [[nodiscard]] bool report(DeviceReport& report) const override {
    describe_disk(config_, report);
    model_.report(report);
    return true;
  }
  void quiesce() override { model_.power_on(); }

 private:
  const unsigned slot_;
  const config::DiskConfig& config_;
  virtio::Blk model_;
  virtio::MmioTransport transport_;
};

}  // namespace

constinit const DeviceKind disk_device = device_kind<Disk>;

}  // namespace vmm::aarch64
