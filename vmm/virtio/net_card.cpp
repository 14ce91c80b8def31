// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/net_card.hpp"

#include <array>

#include "hal/base/format.hpp"
#include "vmm/device/device_report.hpp"
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
      : network_(site.config.networks[index].network.view()),
        model_(site, "network card", port_of(site.config, index),
               site.networks.find_or_make(network_)),
        transport_(site.pci, model_) {}

  // Guests find it on the bus; the bridge resets it.
  void describe(DeviceTreeWriter&) const override {}
  [[nodiscard]] bool report(DeviceReport& report) const override {
    std::array<char, decltype(report.backend)::capacity> buffer{};
    hal::BufferSink text(buffer);
    const auto& mac = model_.port().config().address.bytes;
    hal::format(text, "{} {:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", network_, mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
    report.name = "network";
    report.backend = text.text();
    model_.report(report);
    return true;
  }
  void quiesce() override {
    model_.unplug();
    model_.power_on();
  }

 private:
  const std::string_view network_;
  NetDevice model_;
  PciTransport transport_;
};

}  // namespace

constinit const DeviceKind network_card = device_kind<NetworkCard>;

}  // namespace vmm::virtio
