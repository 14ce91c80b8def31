// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/base/fdt.hpp"

// Interrupt specifiers of the controllers that we drive, as the numbers of hal::Irq.
namespace hal {

inline constexpr uint32_t first_gic_ppi = 16, first_gic_spi = 32;

// Does this node describe a GIC that we know?
[[nodiscard]] bool is_gic(const FdtNode& node);
[[nodiscard]] bool is_gic_v3(const FdtNode& node);
[[nodiscard]] bool is_gic_v2(const FdtNode& node);

// A GIC's (arm,gic.yaml): type 0 SPI, 1 PPI; number in that range; flags. The INTID;
// nothing where the interrupt is of another controller.
[[nodiscard]] std::optional<uint32_t> gic_intid(const FdtNode& node, size_t index);

// A LoongArch machine's: of its EIOINTC's vectors, which are 256, or one of its LIOINTC's inputs, which follow.
constexpr uint32_t liointc_base = 256;
[[nodiscard]] std::optional<uint32_t> loongarch_irq(const FdtNode& node, size_t index);

// Whichever of these controllers it is of.
[[nodiscard]] std::optional<uint32_t> irq_of(const FdtInterrupt& interrupt);

}  // namespace hal
