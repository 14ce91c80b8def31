// SPDX-License-Identifier: Apache-2.0
#include "arch/power.hpp"

#include <optional>

#include "arch/boot.hpp"
#include "arch/cpu.hpp"
#include "hal/mmio.hpp"
#include "hal/power.hpp"

namespace arch {
namespace {

constinit std::optional<hal::SwitchInfo> power_off_register;
constinit std::optional<hal::SwitchInfo> reset_register;

// Through the window: it works whatever became of the tables.
void operate(const std::optional<hal::SwitchInfo>& info) {
  if (!info) return;
  const hal::HostVirt place = boot::uncached(info->place);
  const uint32_t bits = info->value & info->mask;
  if (info->width == 1) {
    hal::mmio_write8(place, static_cast<uint8_t>((hal::mmio_read8(place) & ~info->mask) | bits));
  } else {
    hal::mmio_write32(place, (hal::mmio_read32(place) & ~info->mask) | bits);
  }
}

}  // namespace

void power::set_registers(const hal::LoongArchPlatform& machine) {
  power_off_register = machine.power_off;
  reset_register = machine.reset;
}

}  // namespace arch

namespace hal {

void power_off() {
  arch::operate(arch::power_off_register);
  while (true) arch::Cpu::halt();
}

void reboot() {
  arch::operate(arch::reset_register);
  while (true) arch::Cpu::halt();
}

}  // namespace hal
