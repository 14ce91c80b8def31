// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/device.hpp"

namespace vmm::virtio {

// The entropy device of a VM whose file wants one, on the board's PCI bus.
extern const DeviceKind rng_device;

}  // namespace vmm::virtio
