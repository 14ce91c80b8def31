// SPDX-License-Identifier: Apache-2.0
#include <arch/virtual_gic.hpp>
#include <board/cpu_interfaces.hpp>

#include "vmm/irq/vgic/sync.hpp"

namespace vmm {

constinit const vgic::CpuInterface gicv2_interface = vgic::cpu_interface<TracedListRegisters<arch::ListRegistersV2>>;

}  // namespace vmm
