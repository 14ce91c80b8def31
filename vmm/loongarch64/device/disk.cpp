// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/disk_device.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/virtio/pci_transport.hpp"

namespace vmm::loongarch64 {

namespace {

// The board has no windows for virtio-mmio: everything virtio is on PCI.
class Disk final : public DiskDevice {
 public:
  Disk(const DeviceSite& site, unsigned index) : DiskDevice(site, index), transport_(site.pci, model()) {}

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}

 private:
  virtio::PciTransport transport_;
};

}  // namespace

constinit const DeviceKind disk_device = device_kind<Disk>;

}  // namespace vmm::loongarch64
