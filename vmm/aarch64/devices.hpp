// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/device_set.hpp"
#include "vmm/virtio/console_device.hpp"
#include "vmm/virtio/net_card.hpp"
#include "vmm/virtio/rng_device.hpp"

namespace vmm::aarch64 {

// Each in a file of its name in device/.
extern const DeviceKind uart_device;
extern const DeviceKind rtc_device;
extern const DeviceKind power_key_device;
extern const DeviceKind watchdog_device;
extern const DeviceKind empty_virtio_windows;  // virtio_mmio.cpp
extern const DeviceKind disk_device;
extern const DeviceKind pci_device;

// What this board plugs in, in this order.
inline constexpr const DeviceKind* device_kinds[] = {&uart_device, &rtc_device, &power_key_device, &watchdog_device,
                                                       &empty_virtio_windows, &disk_device, &pci_device,
                                                       &virtio::network_card, &virtio::rng_device,
                                                       &virtio::console_device};

}  // namespace vmm::aarch64
