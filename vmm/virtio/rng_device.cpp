// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/rng_device.hpp"

#include "vmm/virtio/pci_transport.hpp"
#include "vmm/virtio/rng.hpp"

namespace vmm::virtio {

namespace {

class RngDevice final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.rng; }

  explicit RngDevice(const DeviceSite& site) : model_(site), transport_(site.pci, model_) {}

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}
  [[nodiscard]] bool report(DeviceReport& report) const override {
    report.name = "rng";
    report.backend = "the VM's own random bytes";
    model_.report(report);
    return true;
  }
  void quiesce() override { model_.power_on(); }

 private:
  Rng model_;
  PciTransport transport_;
};

}  // namespace

constinit const DeviceKind rng_device = device_kind<RngDevice>;

}  // namespace vmm::virtio
