// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/fixed.hpp"

// What only an Arm machine has. Discovery is as portable as that of hal/platform/platform.hpp.
namespace hal {

// A GIC as its binding describes it (arm,gic.yaml and arm,gic-v3.yaml). Interrupts are GIC INTIDs.
struct GicInfo {
  unsigned version = 0;  // 2 or 3; 0: there is none
  HostPhysRange distributor;
  // Version 2.
  HostPhysRange cpu_interface;
  HostPhysRange hypervisor_interface;   // GICH
  HostPhysRange virtual_cpu_interface;  // GICV
  // Version 3.
  FixedVector<HostPhysRange, 8> redistributors;
  uint64_t redistributor_stride = 0;  // 0: as GICR_TYPER says
  uint32_t maintenance_irq = 0;
};

// arm,armv8-timer, in INTIDs.
struct ArmTimerInfo {
  uint32_t virtual_irq = 0;
  uint32_t hypervisor_irq = 0;
};

enum class FirmwareConduit : uint8_t { none, smc, hvc };

struct ArmPlatform {
  GicInfo gic;
  ArmTimerInfo timer;
  FirmwareConduit psci = FirmwareConduit::none;
};

// As discover_platform().
[[nodiscard]] ArmPlatform discover_arm(const Fdt& fdt);

}  // namespace hal
