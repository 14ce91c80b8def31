// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/its.hpp"

namespace vmm::vgic {

Its::Its(Model& model) : MmioDevice("gic-its", {model.config.its_base, arch::gic::gits::window_size}), model_(model) {}
uint64_t Its::read(const MmioAccess&) { return 0; }
void Its::write(const MmioAccess&, uint64_t) {}
void Its::translate(uint32_t, uint32_t) {}
void Its::reset_state() { model_.lpi_config = model_.lpi_config; }

}  // namespace vmm::vgic
