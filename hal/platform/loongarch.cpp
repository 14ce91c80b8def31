// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/loongarch.hpp"

#include <string_view>

namespace hal {
namespace {

void find_eiointc(const Fdt& fdt, LoongArchPlatform& platform) {
  constexpr uint32_t first_line = 2, last_line = 9;  // HWI0 to HWI7
  for (const std::string_view compatible : {"loongson,ls2k2000-eiointc", "loongson,ls2k0500-eiointc"}) {
    const auto node = fdt.find_enabled(compatible);
    if (!node) continue;
    const auto interrupt = node->interrupt(0);
    if (!interrupt || interrupt->specifier.size() != 1) return;
    const uint32_t line = interrupt->specifier[0];
    if (line >= first_line && line <= last_line) platform.eiointc = {.cpu_line = line};
    return;
  }
}

void find_pch_pic(const Fdt& fdt, LoongArchPlatform& platform) {
  constexpr uint32_t vectors = 256;
  const auto node = fdt.find_enabled("loongson,pch-pic-1.0");
  if (!node) return;
  const auto registers = node->reg(0);
  const uint32_t base = node->u32("loongson,pic-base-vec").value_or(0);
  if (registers && base < vectors) platform.pch_pic = {.registers = *registers, .base_vector = base};
}

// Of version 1 the status of a core is among the registers; version 2, of parts without LVZ, has it elsewhere.
void find_liointc(const Fdt& fdt, LoongArchPlatform& platform) {
  constexpr uint32_t first_line = 2, last_line = 5;  // HWI0 to HWI3
  const auto node = fdt.find_compatible("loongson,liointc-1.0");
  if (!node || !node->is_enabled()) return;
  const auto registers = node->reg(0);
  const auto interrupt = node->interrupt(0);
  if (!registers || !interrupt || interrupt->specifier.size() != 1) return;
  const uint32_t line = interrupt->specifier[0];
  if (line >= first_line && line <= last_line) platform.liointc = {.registers = *registers, .cpu_line = line};
}

// A child of nothing that points to the device whose register it uses (`regmap`). Without `mask` all bits are written;
// without `value` the mask is the value, as old trees had it.
std::optional<SwitchInfo> find_switch(const Fdt& fdt, std::string_view compatible) {
  const auto node = fdt.find_enabled(compatible);
  if (!node) return std::nullopt;
  const auto regmap = node->u32("regmap"), offset = node->u32("offset");
  const auto value = node->u32("value"), mask = node->u32("mask");
  if (!regmap || !offset || (!value && !mask)) return std::nullopt;
  const auto device = fdt.find_phandle(*regmap);
  if (!device) return std::nullopt;
  const auto registers = device->reg(0);
  const unsigned width = device->u32("reg-io-width").value_or(4);
  if (!registers || (width != 1 && width != 4)) return std::nullopt;
  if (*offset > registers->size || registers->size - *offset < width) return std::nullopt;
  return SwitchInfo{.place = registers->start + *offset,
                    .width = width,
                    .value = value ? *value : *mask,
                    .mask = value ? mask.value_or(~uint32_t{0}) : ~uint32_t{0}};
}

}  // namespace

LoongArchPlatform discover_loongarch(const Fdt& fdt) {
  LoongArchPlatform platform;
  find_eiointc(fdt, platform);
  find_pch_pic(fdt, platform);
  find_liointc(fdt, platform);
  platform.power_off = find_switch(fdt, "syscon-poweroff");
  platform.reset = find_switch(fdt, "syscon-reboot");
  return platform;
}

}  // namespace hal
