// SPDX-License-Identifier: Apache-2.0
// In the place of ../rng_device.cpp in a build without it (PLINTH_DEVICES).
#include "vmm/virtio/rng_device.hpp"

namespace vmm::virtio {

constinit const DeviceKind rng_device =
    absent_kind("random numbers", [](const config::VmConfig& vm) -> unsigned { return vm.rng ? 1 : 0; });

}  // namespace vmm::virtio
