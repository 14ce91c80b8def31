// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/device_set.hpp"
#include "vmm/virtio/console_device.hpp"
#include "vmm/virtio/net_card.hpp"
#include "vmm/virtio/rng_device.hpp"

namespace vmm::loongarch64 {

// Each in a file of its name in device/.
extern const DeviceKind uart_device;
extern const DeviceKind rtc_device;
extern const DeviceKind isa_device;
extern const DeviceKind power_device;
extern const DeviceKind pci_device;
extern const DeviceKind disk_device;

// What this board plugs in, in this order.
inline constexpr const DeviceKind* device_kinds[] = {&uart_device, &rtc_device, &isa_device, &power_device, &pci_device,
                                                     &disk_device, &virtio::network_card, &virtio::rng_device,
                                                     &virtio::console_device};

}  // namespace vmm::loongarch64
