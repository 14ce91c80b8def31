// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/interrupts.hpp"

namespace hal {

std::optional<uint32_t> gic_intid(const FdtNode& node, size_t index) {
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  if (!interrupt || interrupt->specifier.size() < 3) return std::nullopt;
  const uint32_t type = interrupt->specifier[0];
  const uint32_t number = interrupt->specifier[1];
  if (type == 0 && number < 988) return 32 + number;
  if (type == 1 && number < 16) return 16 + number;
  return std::nullopt;
}

std::optional<uint32_t> pch_pic_vector(const FdtNode& node, size_t index) {
  constexpr uint32_t inputs = 64, vectors = 256;
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  if (!interrupt || interrupt->specifier.size() != 2) return std::nullopt;
  if (!interrupt->controller.is_compatible("loongson,pch-pic-1.0")) return std::nullopt;
  const uint32_t input = interrupt->specifier[0];
  const uint32_t base = interrupt->controller.u32("loongson,pic-base-vec").value_or(0);
  if (input >= inputs || base >= vectors - input) return std::nullopt;
  return base + input;
}

std::optional<uint32_t> loongarch_irq(const FdtNode& node, size_t index) {
  constexpr uint32_t inputs = 32;
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  if (!interrupt || interrupt->specifier.size() != 2) return std::nullopt;
  if (!interrupt->controller.is_compatible("loongson,liointc-1.0")) return pch_pic_vector(node, index);
  const uint32_t input = interrupt->specifier[0];
  if (input >= inputs) return std::nullopt;
  return liointc_base + input;
}

}  // namespace hal
