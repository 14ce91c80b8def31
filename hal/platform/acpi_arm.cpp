// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/acpi_fields.hpp"
#include "hal/platform/arm.hpp"
#include "hal/platform/interrupts.hpp"

namespace hal {
namespace {

using namespace acpi;

// --- MADT: GICD and GICR, tables 5.39 and 5.41
// -----------------------------------------------------------------------------

namespace gicd {
constexpr size_t base = 8, version = 20;
}
namespace gicr {
constexpr size_t base = 4, size = 12;
}

constexpr uint64_t gicv3_frame = 0x1'0000, gicv2_frame = 0x1000, gicv2_cpu_interface = 0x2000;

// Neighbours are one region, as a device tree would have it.
void add_redistributors(GicInfo& gic, HostPhysRange region) {
  if (region.empty()) return;
  if (!gic.redistributors.empty()) {
    HostPhysRange& last = gic.redistributors[gic.redistributors.size() - 1];
    if (last.end() == region.start) {
      last.size += region.size;
      return;
    }
  }
  (void)gic.redistributors.push_back(region);
}

void find_gicv2(GicInfo& gic, Bytes structure) {
  if (!gic.cpu_interface.empty()) return;  // the same for all CPUs
  gic.cpu_interface = range(get<uint64_t>(structure, gicc::cpu_interface), gicv2_cpu_interface);
  gic.virtual_cpu_interface = range(get<uint64_t>(structure, gicc::virtual_interface), gicv2_cpu_interface);
  gic.hypervisor_interface = range(get<uint64_t>(structure, gicc::hypervisor_interface), gicv2_cpu_interface);
}

void find_gic(const AcpiTables& tables, GicInfo& gic) {
  unsigned version = 0;
  uint64_t distributor = 0;
  for_each_controller(tables, [&](Structure kind, Bytes structure) {
    if (kind == Structure::gicd && distributor == 0) {
      distributor = get<uint64_t>(structure, gicd::base);
      version = get<uint8_t>(structure, gicd::version);
    } else if (kind == Structure::gicr) {
      add_redistributors(gic, range(get<uint64_t>(structure, gicr::base), get<uint32_t>(structure, gicr::size)));
    } else if (kind == Structure::gicc && gicc::is_usable(structure)) {
      find_gicv2(gic, structure);
      gic.maintenance_irq = get<uint32_t>(structure, gicc::maintenance);
    }
  });
  if (distributor == 0) return;
  // Where the MADT has no region, each CPU names its frames: RD and SGI, with two more in a GICv4.
  if (gic.redistributors.empty()) {
    const uint64_t frames = (version >= 4 ? 4 : 2) * gicv3_frame;
    for_each_controller(tables, [&](Structure kind, Bytes structure) {
      if (kind != Structure::gicc || !gicc::is_usable(structure)) return;
      add_redistributors(gic, range(get<uint64_t>(structure, gicc::redistributor), frames));
    });
  }
  // Version 0: as the hardware says, which is a GICv3 if it has redistributors.
  const bool v3 = version == 0 ? !gic.redistributors.empty() : version >= 3;
  gic.distributor = range(distributor, v3 ? gicv3_frame : gicv2_frame);
  if (!gic.distributor.empty()) gic.version = v3 ? 3 : 2;
}

// --- GTDT (5.2.25), FADT (5.2.9)
// -----------------------------------------------------------------------------------------

void find_timer(const AcpiTables& tables, ArmTimerInfo& timer) {
  constexpr size_t virtual_el1 = 64, el2 = 72;
  const Bytes table = tables.find("GTDT");
  timer.virtual_irq = get<uint32_t>(table, virtual_el1);
  timer.hypervisor_irq = get<uint32_t>(table, el2);
}

// The same for each CPU, or not one that is private.
uint32_t find_pmu_interrupt(const AcpiTables& tables) {
  uint32_t found = 0;
  for_each_controller(tables, [&](Structure kind, Bytes structure) {
    if (kind != Structure::gicc || !gicc::is_usable(structure)) return;
    const uint32_t intid = get<uint32_t>(structure, gicc::performance);
    if (intid >= first_gic_ppi && intid < first_gic_spi) found = intid;
  });
  return found;
}

FirmwareConduit find_psci(const AcpiTables& tables) {
  constexpr size_t arm_boot_arch = 129;
  constexpr uint16_t compliant = 1, by_hvc = 2;
  const uint16_t flags = get<uint16_t>(tables.find("FACP"), arm_boot_arch);
  if ((flags & compliant) == 0) return FirmwareConduit::none;
  return (flags & by_hvc) != 0 ? FirmwareConduit::hvc : FirmwareConduit::smc;
}

}  // namespace

ArmPlatform discover_arm(const AcpiTables& tables) {
  ArmPlatform platform;
  find_gic(tables, platform.gic);
  find_timer(tables, platform.timer);
  platform.psci.conduit = find_psci(tables);
  platform.pmu_irq = find_pmu_interrupt(tables);
  return platform;
}

}  // namespace hal
