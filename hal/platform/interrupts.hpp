// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/base/fdt.hpp"

// Interrupt specifiers of the controllers that we drive, as the numbers of hal::Irq.
namespace hal {

// A GIC's (arm,gic.yaml): type 0 SPI, 1 PPI; number in that range; flags. The INTID.
[[nodiscard]] std::optional<uint32_t> gic_intid(const FdtNode& node, size_t index);

// A LoongArch machine's: of its EIOINTC's vectors, which are 256, or one of its LIOINTC's inputs, which follow.
constexpr uint32_t liointc_base = 256;
[[nodiscard]] std::optional<uint32_t> loongarch_irq(const FdtNode& node, size_t index);

// A PCH-PIC's (loongson,pch-pic.yaml): input; flags. The EIOINTC vector that the input raises.
[[nodiscard]] std::optional<uint32_t> pch_pic_vector(const FdtNode& node, size_t index);

}  // namespace hal
