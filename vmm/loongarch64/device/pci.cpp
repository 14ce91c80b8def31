// SPDX-License-Identifier: Apache-2.0
#include "config/loongarch64_virt.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/pci/describe.hpp"
#include "vmm/pci/host_bridge.hpp"

namespace vmm::loongarch64 {

namespace {

namespace virt = config::loongarch64_virt;

// Guests that know QEMU's board by heart find the bridge in any case. It is in the device tree if there is something
// behind it, so that no other guest takes its time to look; and twice, because kernels differ in what they can drive:
// firmware has a driver for the generic bridge, distributions' kernels one for Loongson's. Who has both gets the
// windows for BARs once, and leaves the second node. Of the bridges that the latter knows, this one has nothing but 256
// bytes for each function.
class Pci final : public Device {
 public:
  static bool is_wanted(const config::VmConfig&) { return true; }

  explicit Pci(const DeviceSite& site)
      : bus_(site.pci),
        config_(bus_),
        loongson_config_(bus_, virt::pci_loongson_config.start),
        ports_(bus_),
        memory_(bus_, bus_.map().memory) {
    has_windows({&config_, &loongson_config_, &ports_, &memory_});
  }

  void describe(DeviceTreeWriter& tree) const override {
    if (!bus_.has_devices()) return;
    pci::describe_bridge(
        tree, bus_,
        {.compatible = "pci-host-ecam-generic", .configuration = config_.window(), .last_bus = 0x7f});
    pci::describe_bridge(
        tree, bus_, {.compatible = "loongson,rs780e-pci", .configuration = loongson_config_.window(), .last_bus = 0});
  }

 private:
  pci::Bus& bus_;
  pci::EcamWindow config_;
  pci::LoongsonConfigWindow loongson_config_;
  pci::PortWindow ports_;
  pci::MemoryWindow memory_;
};

}  // namespace

constinit const DeviceKind pci_device = device_kind<Pci>;

}  // namespace vmm::loongarch64
