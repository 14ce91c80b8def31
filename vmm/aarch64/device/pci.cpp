// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/devices.hpp"
#include "vmm/pci/describe.hpp"
#include "vmm/pci/host_bridge.hpp"

namespace vmm::aarch64 {

namespace {

// Guests that know QEMU's board by heart find the bridge in any case. It is in the device tree if there is something
// behind it, so that no other guest takes its time to look.
class Pci final : public Device {
 public:
  static bool is_wanted(const config::VmConfig&) { return true; }

  explicit Pci(const DeviceSite& site)
      : bus_(site.pci),
        config_(bus_),
        ports_(bus_),
        memory_(bus_, bus_.map().memory),
        high_memory_(bus_, bus_.map().high) {
    has_windows({&config_, &ports_, &memory_});
    if (!bus_.map().high.empty()) has_windows({&high_memory_});
  }

  void describe(DeviceTreeWriter& tree) const override {
    constexpr uint64_t bus_size = hal::mib;
    if (!bus_.has_devices()) return;
    const hal::GuestPhysRange config = config_.window();
    pci::describe_bridge(tree, bus_,
                         {.compatible = "pci-host-ecam-generic",
                          .configuration = config,
                          .last_bus = static_cast<uint32_t>(config.size / bus_size - 1)});
  }

 private:
  pci::Bus& bus_;
  pci::EcamWindow config_;
  pci::PortWindow ports_;
  pci::MemoryWindow memory_;
  pci::MemoryWindow high_memory_;
};

}  // namespace

constinit const DeviceKind pci_device = device_kind<Pci>;

}  // namespace vmm::aarch64
