// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm {

// The synchronization of vgic/sync.hpp with each kind of list registers, one file each: they are large.
extern const vgic::CpuInterface gicv2_interface;
extern const vgic::CpuInterface gicv3_interface;

}  // namespace vmm
