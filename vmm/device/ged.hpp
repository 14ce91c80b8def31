// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/device/power_switch.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// The registers by which a guest of QEMU's LoongArch board ends itself: those of an ACPI generic event device
// (ACPI 6.5, 4.8.3.7, sleep control and reset), which a device tree describes as syscon-poweroff and syscon-reboot.
// There are no events: they are told through ACPI tables, which guests here do not get.
class Ged final : public MmioDevice {
 public:
  static constexpr uint64_t window_size = 0x20;
  static constexpr uint64_t registers = 0x1c;  // where the syscon begins

  static constexpr uint64_t sleep_control = 0x0;  // from `registers`
  static constexpr uint8_t enter_s5 = 0x34;       // SLP_EN, SLP_TYP 5
  static constexpr uint64_t reset_register = 0x2;
  static constexpr uint8_t reset_value = 0x42;

  Ged(hal::GuestPhys base, PowerSwitch& power) : MmioDevice("ged", {base, window_size}), power_(power) {}

  uint64_t read(MmioAccess) override { return 0; }
  void write(MmioAccess access, uint64_t value) override {
    const auto byte = static_cast<uint8_t>(value);
    if (access.offset == registers + sleep_control && byte == enter_s5) power_.power_off(access.vcpu);
    if (access.offset == registers + reset_register && byte == reset_value) power_.reset_machine(access.vcpu);
  }
  void reset() override {}

 private:
  PowerSwitch& power_;
};

}  // namespace vmm
