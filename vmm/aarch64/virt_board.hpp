// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/aarch64_virt.hpp"
#include "vmm/irq/line.hpp"

namespace vmm::aarch64 {

namespace virt_board = config::aarch64_virt;

// A shared interrupt of the board as the GIC numbers it.
constexpr VirtualIrq spi(uint32_t number) { return VirtualIrq{virt_board::spi_base + number}; }

}  // namespace vmm::aarch64
