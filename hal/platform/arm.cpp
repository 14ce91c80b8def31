// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/arm.hpp"

#include <string_view>

#include "hal/platform/interrupts.hpp"

namespace hal {
namespace {

void find_gic(const Fdt& fdt, ArmPlatform& platform) {
  GicInfo& gic = platform.gic;
  const auto range = [](const FdtNode& node, size_t index) { return node.reg(index).value_or(HostPhysRange{}); };
  if (const auto v3 = fdt.find_compatible("arm,gic-v3")) {
    gic.version = 3;
    gic.distributor = range(*v3, 0);
    const uint32_t regions = v3->u32("#redistributor-regions").value_or(1);
    for (uint32_t i = 0; i < regions; ++i) {
      const HostPhysRange region = range(*v3, 1 + i);
      if (region.empty() || !gic.redistributors.push_back(region)) break;
    }
    if (const auto stride = v3->property("redistributor-stride")) {
      gic.redistributor_stride = stride->u32_or_u64().value_or(0);
    }
    gic.maintenance_irq = gic_intid(*v3, 0).value_or(0);
    return;
  }
  for (const std::string_view compatible : {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic"}) {
    const auto v2 = fdt.find_compatible(compatible);
    if (!v2) continue;
    gic.version = 2;
    gic.distributor = range(*v2, 0);
    gic.cpu_interface = range(*v2, 1);
    gic.hypervisor_interface = range(*v2, 2);
    gic.virtual_cpu_interface = range(*v2, 3);
    gic.maintenance_irq = gic_intid(*v2, 0).value_or(0);
    return;
  }
}

// arm,arch_timer.yaml: secure, non-secure, virtual, hypervisor.
void find_timer(const Fdt& fdt, ArmPlatform& platform) {
  auto node = fdt.find_compatible("arm,armv8-timer");
  if (!node) node = fdt.find_compatible("arm,armv7-timer");
  if (!node) return;
  platform.timer.virtual_irq = gic_intid(*node, 2).value_or(0);
  platform.timer.hypervisor_irq = gic_intid(*node, 3).value_or(0);
}

void find_firmware(const Fdt& fdt, ArmPlatform& platform) {
  for (const std::string_view compatible : {"arm,psci-1.0", "arm,psci-0.2"}) {
    const auto node = fdt.find_compatible(compatible);
    if (!node) continue;
    const auto method = node->string("method");
    if (method == "smc") platform.psci = FirmwareConduit::smc;
    if (method == "hvc") platform.psci = FirmwareConduit::hvc;
    return;
  }
}

}  // namespace

ArmPlatform discover_arm(const Fdt& fdt) {
  ArmPlatform platform;
  find_gic(fdt, platform);
  find_timer(fdt, platform);
  find_firmware(fdt, platform);
  return platform;
}

}  // namespace hal
