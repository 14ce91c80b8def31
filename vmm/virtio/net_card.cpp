// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/net_card.hpp"

#include "vmm/net/exchange.hpp"
#include "vmm/virtio/net.hpp"
#include "vmm/virtio/pci_transport.hpp"

namespace vmm::virtio {

namespace {

net::PortConfig port_of(const config::VmConfig& vm, unsigned index) {
  const config::NetworkConfig& card = vm.networks[index];
  const net::MacAddress stated{card.mac};
  return {.address = stated.value() == 0 ? net::derived_address(vm.name.view(), index) : stated,
          .is_bridge = card.bridge,
          .bytes_per_second = card.bytes_per_second};
}

class NetworkCard final : public Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return static_cast<unsigned>(vm.networks.size()); }

  NetworkCard(const DeviceSite& site, unsigned index)
      : model_(site, "network card", port_of(site.config, index),
               site.networks.find_or_make(site.config.networks[index].network.view())),
        transport_(site.pci, model_) {}

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}
  void quiesce() override {
    model_.unplug();
    model_.power_on();
  }

 private:
  NetDevice model_;
  PciTransport transport_;
};

}  // namespace

constinit const DeviceKind network_card = device_kind<NetworkCard>;

}  // namespace vmm::virtio
