// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/address.hpp"
#include "vmm/device/device.hpp"
#include "vmm/pci/bus.hpp"

namespace vmm::pci {

struct BridgeNode {
  std::string_view compatible;
  hal::GuestPhysRange configuration;
  uint32_t last_bus;
};

// A node of the root for `bus`, as QEMU's boards have it (pci/host-generic-pci.yaml, Open Firmware's PCI binding).
void describe_bridge(DeviceTreeWriter& tree, const Bus& bus, const BridgeNode& node);

}  // namespace vmm::pci
