// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/device.hpp"

namespace vmm::virtio {

// The cards that a VM's file asks for, on the board's PCI bus, each on the network that it names.
extern const DeviceKind network_card;

}  // namespace vmm::virtio
