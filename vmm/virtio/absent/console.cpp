// SPDX-License-Identifier: Apache-2.0
// In the place of ../console_device.cpp in a build without it (PLINTH_DEVICES).
#include "vmm/virtio/console_device.hpp"

namespace vmm::virtio {

constinit const DeviceKind console_device =
    absent_kind("virtio consoles", [](const config::VmConfig& vm) -> unsigned { return vm.virtio_console ? 1 : 0; });

}  // namespace vmm::virtio
