// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

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
  // Version 3 and 4.
  FixedVector<HostPhysRange, 32> redistributors;
  uint64_t redistributor_stride = 0;  // 0: as GICR_TYPER says
  bool firmware_wakes = false;        // GICR_WAKER is not ours to access (qcom,msm8996-gic-v3)
  uint32_t maintenance_irq = 0;
  bool maintenance_is_assumed = false;  // the tree does not tell; it is the INTID that Arm's base system has for it
};

// What keeps a GIC as it is described from serving VMs.
enum class GicFault : uint8_t {
  none,
  not_described,
  no_distributor,
  no_redistributors,
  bad_stride,
  no_cpu_interface,
  no_deactivation,
  no_virtualization,
  no_maintenance,
};
[[nodiscard]] GicFault fault_of(const GicInfo& gic);
[[nodiscard]] std::string_view explain(GicFault fault);

// arm,armv8-timer, in INTIDs.
struct ArmTimerInfo {
  uint32_t virtual_irq = 0;
  uint32_t hypervisor_irq = 0;
  uint32_t frequency = 0;  // Hz; 0: CNTFRQ_EL0 says it
};
[[nodiscard]] constexpr bool is_usable(const ArmTimerInfo& timer) {
  return timer.virtual_irq != 0 && timer.hypervisor_irq != 0;
}

enum class FirmwareConduit : uint8_t { none, smc, hvc };

// PSCI. Version 0.1 has no fixed numbers for its calls: the tree gives them (arm,psci.yaml).
struct FirmwareInfo {
  FirmwareConduit conduit = FirmwareConduit::none;
  bool has_fixed_calls = true;     // 0.2 and later
  uint64_t cpu_on = 0xc400'0003;   // DEN0022 5.1.4
  uint64_t cpu_off = 0x8400'0002;  // 5.1.3; 0: there is none
  // An HVC at EL2 comes back to us: only who starts at EL1 has firmware above it that way.
  [[nodiscard]] bool answers_at_el2() const { return conduit == FirmwareConduit::smc; }
};

struct ArmPlatform {
  GicInfo gic;
  ArmTimerInfo timer;
  FirmwareInfo psci;
  uint32_t pmu_irq = 0;  // INTID of the overflow interrupt of each CPU's PMU, where that is private; 0: it is not
};

// As discover_platform().
[[nodiscard]] ArmPlatform discover_arm(const Fdt& fdt);

}  // namespace hal
