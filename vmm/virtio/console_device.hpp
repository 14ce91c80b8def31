// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/device.hpp"

namespace vmm::virtio {

// The virtio console of a VM whose file wants one, on the board's PCI bus: beside the UART, or in its place.
extern const DeviceKind console_device;

}  // namespace vmm::virtio
