// SPDX-License-Identifier: Apache-2.0
// In the place of ../net_card.cpp in a build without it (PLINTH_DEVICES).
#include "vmm/virtio/net_card.hpp"

namespace vmm::virtio {

constinit const DeviceKind network_card =
    absent_kind("network cards", [](const config::VmConfig& vm) -> unsigned { return static_cast<unsigned>(vm.networks.size()); });

}  // namespace vmm::virtio
