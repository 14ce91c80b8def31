// SPDX-License-Identifier: Apache-2.0
// The tables of LPIs in guest memory, section 5.1 of IHI 0069: a configuration byte each, and a pending bit each per
// redistributor. Both are cached while LPIs are enabled: the first until an INV or INVALL command, the second until
// they are disabled.
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// GICR_CTLR.EnableLPIs of `frame`, written by `self`.
void enable_lpis(Model& model, CpuContext& frame, CpuContext& self, bool on);
// Read the configuration of `count` LPIs from `first` on (INTID - 8192), as `frame` finds it. What cannot be read is
// disabled.
void load_lpi_config(Model& model, const CpuContext& frame, uint32_t first, uint32_t count);

}  // namespace vmm::vgic
