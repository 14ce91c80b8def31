// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/console_device.hpp"

#include "vmm/virtio/console.hpp"
#include "vmm/virtio/pci_transport.hpp"

namespace vmm::virtio {

namespace {

class Hvc final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.virtio_console; }

  explicit Hvc(const DeviceSite& site)
      : port_(site.second_console != nullptr ? *site.second_console : site.console),
        model_(site, port_),
        transport_(site.pci, model_) {
    port_.connect(model_);
  }

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}
  [[nodiscard]] bool report(DeviceReport& report) const override {
    report.name = "console";
    report.backend = "hvc0";
    model_.report(report);
    return true;
  }
  void quiesce() override {
    port_.disconnect();
    model_.power_on();
  }

 private:
  ConsoleSocket& port_;
  ConsoleDevice model_;
  PciTransport transport_;
};

}  // namespace

constinit const DeviceKind console_device = device_kind<Hvc>;

}  // namespace vmm::virtio
