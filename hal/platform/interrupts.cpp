// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/interrupts.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace hal {

namespace {

bool is_any_of(const FdtNode& node, std::initializer_list<std::string_view> known) {
  const auto compatible = node.fdt().compatible_of(node);
  if (!compatible) return false;
  const FdtStrings strings = compatible->strings();
  return std::ranges::any_of(known, [&](std::string_view name) { return strings.contains(name); });
}

}  // namespace

bool is_gic_v3(const FdtNode& node) { return is_any_of(node, {"arm,gic-v3", "qcom,msm8996-gic-v3"}); }

bool is_gic_v2(const FdtNode& node) {
  return is_any_of(node, {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "qcom,msm-qgic2"});
}

bool is_gic(const FdtNode& node) { return is_gic_v3(node) || is_gic_v2(node); }

namespace {

std::optional<uint32_t> gic_irq(const FdtInterrupt& interrupt) {
  if (interrupt.specifier.size() < 3 || !is_gic(interrupt.controller)) return std::nullopt;
  const uint32_t type = interrupt.specifier[0];
  const uint32_t number = interrupt.specifier[1];
  if (type == 0 && number < 988) return first_gic_spi + number;
  if (type == 1 && number < 16) return first_gic_ppi + number;
  return std::nullopt;
}

// loongson,pch-pic.yaml: input; flags. The EIOINTC vector that the input raises.
std::optional<uint32_t> pch_pic_irq(const FdtInterrupt& interrupt) {
  constexpr uint32_t inputs = 64, vectors = 256;
  if (interrupt.specifier.size() != 2) return std::nullopt;
  if (!interrupt.controller.is_compatible("loongson,pch-pic-1.0")) return std::nullopt;
  const uint32_t input = interrupt.specifier[0];
  const uint32_t base = interrupt.controller.u32("loongson,pic-base-vec").value_or(0);
  if (input >= inputs || base >= vectors - input) return std::nullopt;
  return base + input;
}

std::optional<uint32_t> loongarch_irq(const FdtInterrupt& interrupt) {
  constexpr uint32_t inputs = 32;
  if (interrupt.specifier.size() != 2) return std::nullopt;
  if (!interrupt.controller.is_compatible("loongson,liointc-1.0")) return pch_pic_irq(interrupt);
  const uint32_t input = interrupt.specifier[0];
  if (input >= inputs) return std::nullopt;
  return liointc_base + input;
}

}  // namespace

std::optional<uint32_t> gic_intid(const FdtNode& node, size_t index) {
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  return interrupt ? gic_irq(*interrupt) : std::nullopt;
}

std::optional<uint32_t> loongarch_irq(const FdtNode& node, size_t index) {
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  return interrupt ? loongarch_irq(*interrupt) : std::nullopt;
}

std::optional<uint32_t> irq_of(const FdtInterrupt& interrupt) {
  const auto of_gic = gic_irq(interrupt);
  return of_gic ? of_gic : loongarch_irq(interrupt);
}

}  // namespace hal
