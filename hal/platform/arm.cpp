// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/arm.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "hal/platform/interrupts.hpp"

namespace hal {
namespace {

constexpr uint64_t gicr_frame = 0x1'0000, gicr_frames = 2 * gicr_frame;  // RD_base and SGI_base (IHI 0069 12.10)
constexpr uint64_t gicc_page = 0x1000, gicc_pages = 2 * gicc_page;  // GICC_DIR is alone in the second (IHI 0048B 4.4)
constexpr uint32_t assumed_maintenance = 25;  // DEN0094 (BSA) table 4, and fixed in Arm's own GICv2

HostPhysRange range(const FdtNode& node, size_t index) { return node.reg(index).value_or(HostPhysRange{}); }

std::optional<uint32_t> private_intid(const FdtNode& node, size_t index) {
  const auto intid = gic_intid(node, index);
  return intid && *intid >= first_gic_ppi && *intid < first_gic_spi ? intid : std::nullopt;
}

void describe_v3(const FdtNode& node, GicInfo& gic) {
  gic.version = 3;
  gic.distributor = range(node, 0);
  gic.firmware_wakes = node.is_compatible("qcom,msm8996-gic-v3");
  const uint32_t regions = node.u32("#redistributor-regions").value_or(1);
  for (uint32_t i = 0; i < regions; ++i) {
    const HostPhysRange region = range(node, 1 + i);
    if (region.empty() || !gic.redistributors.push_back(region)) break;
  }
  if (const auto stride = node.property("redistributor-stride")) {
    gic.redistributor_stride = stride->u32_or_u64().value_or(0);
  }
}

// Many trees give GICC its first page only, from times when nobody needed the second. Where the next of the GIC's own
// frames is as far away as GICC is long, the second is between them, as in GIC-400. Where it is farther the two may be
// spread over larger pages, and nobody says how: reading there to find out may be the end.
void complete_gicc(GicInfo& gic) {
  HostPhysRange& gicc = gic.cpu_interface;
  if (gicc.empty() || gicc.size >= gicc_pages) return;
  uint64_t room = ~uint64_t{0};
  for (const HostPhysRange& other : {gic.distributor, gic.hypervisor_interface, gic.virtual_cpu_interface}) {
    if (!other.empty() && other.start > gicc.start) room = std::min(room, other.start - gicc.start);
  }
  if (room == gicc_pages) gicc.size = gicc_pages;
}

void describe_v2(const FdtNode& node, GicInfo& gic) {
  gic.version = 2;
  gic.distributor = range(node, 0);
  gic.cpu_interface = range(node, 1);
  gic.hypervisor_interface = range(node, 2);
  gic.virtual_cpu_interface = range(node, 3);
  complete_gicc(gic);
}

void find_gic(const Fdt& fdt, GicInfo& gic) {
  for (const FdtNode node : fdt.nodes()) {
    if (!is_gic(node) || !node.is_enabled()) continue;
    if (is_gic_v3(node)) {
      describe_v3(node, gic);
    } else {
      describe_v2(node, gic);
    }
    gic.maintenance_irq = private_intid(node, 0).value_or(assumed_maintenance);
    gic.maintenance_is_assumed = !private_intid(node, 0);
    return;
  }
}

// arm,arch_timer.yaml: by name, or in the order secure, non-secure, virtual, hypervisor.
uint32_t timer_interrupt(const FdtNode& node, std::string_view name, size_t usual_index) {
  const auto names = node.property("interrupt-names");
  if (!names) return private_intid(node, usual_index).value_or(0);
  size_t index = 0;
  for (const std::string_view each : names->strings()) {
    if (each == name) return private_intid(node, index).value_or(0);
    ++index;
  }
  return 0;
}

// A tree may have a node for each Security state or each kind of core: the first that we can use is ours.
void find_timer(const Fdt& fdt, ArmTimerInfo& timer) {
  for (const std::string_view compatible : {"arm,armv8-timer", "arm,armv7-timer"}) {
    for (const FdtNode node : fdt.compatible(compatible)) {
      if (!node.is_enabled()) continue;
      const ArmTimerInfo found{.virtual_irq = timer_interrupt(node, "virt", 2),
                               .hypervisor_irq = timer_interrupt(node, "hyp-phys", 3),
                               .frequency = node.u32("clock-frequency").value_or(0)};
      if (!is_usable(timer)) timer = found;
    }
  }
}

void find_firmware(const Fdt& fdt, FirmwareInfo& psci) {
  for (const std::string_view compatible : {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"}) {
    const auto node = fdt.find_enabled(compatible);
    if (!node) continue;
    if (compatible == "arm,psci") {
      const auto cpu_on = node->u32("cpu_on");
      if (!cpu_on) return;
      psci = {.has_fixed_calls = false, .cpu_on = *cpu_on, .cpu_off = node->u32("cpu_off").value_or(0)};
    }
    const auto method = node->string("method");
    if (method == "smc") psci.conduit = FirmwareConduit::smc;
    if (method == "hvc") psci.conduit = FirmwareConduit::hvc;
    return;
  }
}

// arm,pmu.yaml names many kinds of core, all as "arm,cortex-a53-pmu". Others that end so (of clusters and interconnects)
// have no interrupt that is private to a CPU.
bool is_pmu(const FdtNode& node) {
  if (!node.name().contains("pmu") || !node.is_enabled()) return false;
  const auto kinds = node.property("compatible");
  return kinds && std::ranges::any_of(kinds->strings(), [](std::string_view kind) {
    return kind == "arm,armv8-pmuv3" || (kind.starts_with("arm,") && kind.ends_with("-pmu"));
  });
}

uint32_t find_pmu_interrupt(const Fdt& fdt) {
  for (const FdtNode node : fdt.nodes()) {
    if (!is_pmu(node)) continue;
    if (const auto intid = private_intid(node, 0)) return *intid;
  }
  return 0;
}

GicFault fault_of_v3(const GicInfo& gic) {
  const uint64_t stride = gic.redistributor_stride;
  if (stride % gicr_frame != 0 || (stride != 0 && stride < gicr_frames)) return GicFault::bad_stride;
  const bool holds_one = std::ranges::any_of(gic.redistributors, [](HostPhysRange r) { return r.size >= gicr_frames; });
  return holds_one ? GicFault::none : GicFault::no_redistributors;
}

}  // namespace

GicFault fault_of(const GicInfo& gic) {
  if (gic.version == 0) return GicFault::not_described;
  if (gic.distributor.size < gicc_page) return GicFault::no_distributor;
  if (gic.maintenance_irq < first_gic_ppi || gic.maintenance_irq >= first_gic_spi) return GicFault::no_maintenance;
  if (gic.version == 3) return fault_of_v3(gic);
  if (gic.cpu_interface.empty()) return GicFault::no_cpu_interface;
  if (gic.hypervisor_interface.empty() || gic.virtual_cpu_interface.empty()) return GicFault::no_virtualization;
  return gic.cpu_interface.size < gicc_pages ? GicFault::no_deactivation : GicFault::none;
}

std::string_view explain(GicFault fault) {
  switch (fault) {
    case GicFault::none: break;
    case GicFault::not_described: return "the device tree describes no GICv2 or GICv3";
    case GicFault::no_distributor: return "the device tree gives the GIC no distributor";
    case GicFault::no_redistributors: return "the device tree gives the GICv3 no redistributors";
    case GicFault::bad_stride: return "the GICv3's redistributor-stride is no multiple of 64 KiB, or too small";
    case GicFault::no_cpu_interface: return "the device tree gives the GICv2 no CPU interface";
    case GicFault::no_deactivation:
      return "the GICv2's CPU interface has less than 8 KiB in the device tree, and so no GICC_DIR";
    case GicFault::no_virtualization:
      return "the device tree gives the GICv2 no virtualization extensions (GICH and GICV)";
    case GicFault::no_maintenance: return "no private interrupt is the GIC's maintenance interrupt";
  }
  return "";
}

ArmPlatform discover_arm(const Fdt& fdt) {
  ArmPlatform platform;
  find_gic(fdt, platform.gic);
  find_timer(fdt, platform.timer);
  find_firmware(fdt, platform.psci);
  platform.pmu_irq = find_pmu_interrupt(fdt);
  return platform;
}

}  // namespace hal
