// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/vm_config.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/device/device.hpp"
#include "vmm/virtio/mmio_transport.hpp"

// The board's virtio-mmio windows. As on QEMU's board devices are in the last ones; here the first device of a VM's
// file is the first in the map, so that Linux, which goes by address, numbers them as the file does.
namespace vmm::aarch64 {

static_assert(virt_board::virtio_mmio.size == virtio::mmio::window_size);

constexpr hal::GuestPhysRange virtio_window(unsigned slot) {
  return {virt_board::virtio_mmio.start + slot * virt_board::virtio_mmio.size, virt_board::virtio_mmio.size};
}
constexpr VirtualIrq virtio_irq(unsigned slot) { return spi(virt_board::virtio_mmio_spi + slot); }

// How many windows of a VM have a device, and the first of them: disks, in the order of the file.
constexpr unsigned used_virtio_slots(const config::VmConfig& vm) { return static_cast<unsigned>(vm.disks.size()); }
constexpr unsigned first_virtio_slot(const config::VmConfig& vm) {
  return virt_board::virtio_mmio_count - used_virtio_slots(vm);
}

// The node of a window.
void describe_virtio_slot(DeviceTreeWriter& tree, unsigned slot);

}  // namespace vmm::aarch64
