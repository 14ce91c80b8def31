// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/describe.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/virtio/blk.hpp"
#include "vmm/virtio/pci_transport.hpp"

namespace vmm::loongarch64 {

namespace {

// The board has no windows for virtio-mmio: everything virtio is on PCI.
class Disk final : public Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return static_cast<unsigned>(vm.disks.size()); }

  Disk(const DeviceSite& site, unsigned index)
      : config_(site.config.disks[index]),
        model_(site, *site.disks[index], config_.serial.view()),
        transport_(site.pci, model_) {}

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}
  [[nodiscard]] bool report(DeviceReport& report) const override {
    describe_disk(config_, report);
    model_.report(report);
    return true;
  }
  void quiesce() override { model_.power_on(); }

 private:
  const config::DiskConfig& config_;
  virtio::Blk model_;
  virtio::PciTransport transport_;
};

}  // namespace

constinit const DeviceKind disk_device = device_kind<Disk>;

}  // namespace vmm::loongarch64
