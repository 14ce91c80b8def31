// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/irq/gic.hpp"

#include <array>

#include "arch/aarch64/regs/gic_physical.hpp"
#include "arch/cpu.hpp"
#include "arch/irq.hpp"
#include "arch/mmio.hpp"
#include "arch/sysreg.hpp"
#include "hal/cpu_local.hpp"
#include "hal/irq.hpp"
#include "hal/upcall.hpp"

namespace arch::gic {
namespace {

using namespace regs;
using hal::HostPhys;
using hal::HostVirt;

// Both of Rank and this mask mean the same in the Non-secure view of a GIC with two Security states and 16 levels
// (IHI 0069 4.8.1).
constexpr uint32_t every_priority = 0xf0;
constexpr uint32_t four_times(Rank rank) { return static_cast<uint32_t>(rank) * 0x0101'0101U; }

struct State {
  unsigned version = 0;
  bool names_a_product = false;
  HostVirt distributor;
  HostVirt cpu_interface;          // version 2
  HostVirt hypervisor_interface;   // version 2
  HostPhys virtual_cpu_interface;  // version 2
  std::array<HostVirt, hal::max_cpus> redistributors{};
  std::array<uint64_t, hal::max_cpus> affinities{};
  std::array<uint64_t, hal::max_cpus> sgis{};  // what ICC_SGI1R_EL1 sends SGI 0 there by
  std::array<uint8_t, hal::max_cpus> targets{};  // version 2: CPU interface number as a bit
};
constinit State gic;
constinit hal::GicInfo description;

[[nodiscard]] bool map(hal::HostPhysRange range, HostVirt& place) {
  if (range.empty()) return false;
  const auto mapped = hal::upcall::map_device(range);
  if (mapped) place = *mapped;
  return mapped.has_value();
}

// GICD_CTLR.RWP and GICR_CTLR.RWP: earlier writes still take effect. Hardware clears it in bounded time.
void wait_for_writes(HostVirt control, uint32_t rwp) {
  while ((mmio_read32(control) & rwp) != 0) {
  }
}

[[clang::minsize]] void set_up_distributor() {
  const HostVirt base = gic.distributor;
  mmio_write32(base + gicd::CTLR, 0);
  if (gic.version == 3) wait_for_writes(base + gicd::CTLR, gicd::ctlr::RWP::mask);
  const unsigned banks = static_cast<unsigned>(gicd::typer::ITLinesNumber::get(mmio_read32(base + gicd::TYPER))) + 1;
  for (unsigned bank = 1; bank < banks; ++bank) {
    // Version 2 without the Security Extensions has no groups, and this write is ignored.
    if (gic.version == 3) mmio_write32(base + gicd::IGROUPR + 4 * bank, ~0U);
    mmio_write32(base + gicd::ICENABLER + 4 * bank, ~0U);
    mmio_write32(base + gicd::ICPENDR + 4 * bank, ~0U);
    mmio_write32(base + gicd::ICACTIVER + 4 * bank, ~0U);
    for (unsigned i = 0; i < 8; ++i) {
      mmio_write32(base + gicd::IPRIORITYR + 32 * bank + 4 * i, four_times(Rank::guests));
    }
    mmio_write32(base + gicd::ICFGR + 8 * bank, 0);
    mmio_write32(base + gicd::ICFGR + 8 * bank + 4, 0);
  }
  if (gic.version == 3) {
    wait_for_writes(base + gicd::CTLR, gicd::ctlr::RWP::mask);
    // Affinity routing first, then the groups: changing ARE with a group enabled is UNPREDICTABLE (12.9.4).
    const auto are = static_cast<uint32_t>(gicd::ctlr::ARE::mask);
    const auto group1 = static_cast<uint32_t>(gicd::ctlr::EnableGrp0::mask | gicd::ctlr::EnableGrp1::mask);
    mmio_write32(base + gicd::CTLR, are);
    wait_for_writes(base + gicd::CTLR, gicd::ctlr::RWP::mask);
    mmio_write32(base + gicd::CTLR, are | group1);
    wait_for_writes(base + gicd::CTLR, gicd::ctlr::RWP::mask);
  } else {
    mmio_write32(base + gicd::CTLR, gicd::ctlr::EnableGrp0::mask);
  }
}

// GICR_TYPER.Affinity_Value has the bytes of MPIDR side by side.
constexpr uint64_t packed_affinity(uint64_t mpidr) { return mpidr_el1::aff3::get(mpidr) << 24 | (mpidr & 0xff'ffff); }

// In GICv4 a redistributor with virtual LPIs has four frames, one without them two (12.10).
uint64_t distance_to_next(uint64_t typer) {
  if (description.redistributor_stride != 0) return description.redistributor_stride;
  return gicr::typer::VLPIS::is_set(typer) ? 2 * gicr::stride : gicr::stride;
}

[[nodiscard, clang::minsize]] bool find_redistributor(uint64_t hardware_id, HostVirt& place) {
  for (const hal::HostPhysRange& region : description.redistributors) {
    HostVirt base;
    if (!map(region, base)) return false;
    for (uint64_t offset = 0; offset + gicr::stride <= region.size;) {
      const uint64_t typer = mmio_read64(base + offset + gicr::TYPER);
      if (gicr::typer::Affinity_Value::get(typer) == packed_affinity(hardware_id)) {
        place = base + offset;
        return true;
      }
      if (gicr::typer::Last::is_set(typer)) break;
      offset += distance_to_next(typer);
    }
  }
  return false;
}

// The first 32 interrupts: banked registers of the distributor in version 2, the SGI frame of the redistributor in
// version 3.
HostVirt private_registers(hal::CpuIndex cpu) {
  return gic.version == 3 ? gic.redistributors[cpu] + gicr::frame_size : gic.distributor;
}

hal::CpuIndex this_cpu() { return static_cast<hal::CpuLocal*>(Cpu::local())->index; }

[[clang::minsize]] void reset_private_interrupts(HostVirt base) {
  if (gic.version == 3) mmio_write32(base + gicd::IGROUPR, ~0U);
  mmio_write32(base + gicd::ICENABLER, 0xffff'0000);
  mmio_write32(base + gicd::ICPENDR, ~0U);
  mmio_write32(base + gicd::ICACTIVER, ~0U);
  for (unsigned i = 0; i < 32; i += 4) {
    mmio_write32(base + gicd::IPRIORITYR + i, four_times(i < sgi_count ? Rank::ours : Rank::guests));
  }
  mmio_write32(base + gicd::ISENABLER, 0xffff);
}

constexpr uint64_t sgi_to(uint64_t mpidr) {
  const uint64_t aff0 = mpidr_el1::aff0::get(mpidr);
  return icc_sgir::TargetList::of(hal::bit(aff0 % 16)) | icc_sgir::RS::of(aff0 / 16) |
         icc_sgir::Aff1::of(mpidr_el1::aff1::get(mpidr)) | icc_sgir::Aff2::of(mpidr_el1::aff2::get(mpidr)) |
         icc_sgir::Aff3::of(mpidr_el1::aff3::get(mpidr));
}

void wake(HostVirt redistributor) {
  const auto sleeping = static_cast<uint32_t>(gicr::waker::ProcessorSleep::mask);
  mmio_write32(redistributor + gicr::WAKER, mmio_read32(redistributor + gicr::WAKER) & ~sleeping);
  while ((mmio_read32(redistributor + gicr::WAKER) & gicr::waker::ChildrenAsleep::mask) != 0) {
  }
}

[[clang::minsize]] SetupError set_up_cpu_v3(hal::CpuIndex cpu, uint64_t hardware_id) {
  // Not Enable: where ICC_SRE_EL1 can be written, a guest would take the registers from the next one (12.2.23).
  write<icc_sre_el2>(icc_sre_el2::sre::mask | icc_sre_el2::dfb::mask | icc_sre_el2::dib::mask);
  isb();
  // Firmware at EL3 may have kept system register access for itself (12.2.5).
  if (!icc_sre_el2::sre::is_set(read<icc_sre_el2>())) return SetupError::no_system_registers;
  write<icc_sre_el1>(icc_sre_el1::always_on);
  HostVirt redistributor;
  if (!find_redistributor(hardware_id, redistributor)) return SetupError::no_redistributor;
  gic.redistributors[cpu] = redistributor;
  gic.affinities[cpu] = hardware_id;
  gic.sgis[cpu] = sgi_to(hardware_id);

  if (!description.firmware_wakes) wake(redistributor);
  reset_private_interrupts(private_registers(cpu));
  wait_for_writes(redistributor + gicr::CTLR, static_cast<uint32_t>(gicr::ctlr::RWP::mask));

  write<icc_pmr_el1>(every_priority);
  write<icc_bpr1_el1>(0);
  write<icc_ctlr_el1>(icc_ctlr_el1::eoimode::mask);
  write<icc_igrpen1_el1>(1);
  write<ich_hcr_el2>(0);
  isb();
  return SetupError::none;
}

// Of a region that is too small for aliases nothing but the two pages is read.
[[clang::minsize]] uint64_t first_page_of_pair(uint64_t size) {
  if (size < regs::gicc::spread_size) return 0;
  return regs::gicc::first_page(size, mmio_read32(gic.cpu_interface + regs::gicc::last_alias + regs::gicc::iidr));
}

[[clang::minsize]] SetupError set_up_cpu_v2(hal::CpuIndex cpu) {
  reset_private_interrupts(gic.distributor);
  // The target registers of the first interrupts name the CPU that reads them (IHI 0048B 4.3.12).
  gic.targets[cpu] = mmio_read8(gic.distributor + gicd::ITARGETSR);
  mmio_write32(gic.cpu_interface + regs::gicc::pmr, every_priority);
  mmio_write32(gic.cpu_interface + regs::gicc::bpr, 0);
  mmio_write32(gic.cpu_interface + regs::gicc::ctlr, regs::gicc::enable::mask | regs::gicc::eoimode::mask);
  mmio_write32(gic.hypervisor_interface + gich::HCR, 0);
  return SetupError::none;
}

}  // namespace

[[clang::minsize]] SetupError set_up(const hal::GicInfo& info) {
  description = info;
  if (!map(info.distributor, gic.distributor)) return SetupError::no_memory;
  if (info.version == 2) {
    if (!map(info.cpu_interface, gic.cpu_interface)) return SetupError::no_memory;
    const uint64_t first_page = first_page_of_pair(info.cpu_interface.size);
    gic.cpu_interface = gic.cpu_interface + first_page;
    // GICV is spread as GICC is: both are there to be mapped by somebody with large pages.
    gic.virtual_cpu_interface = info.virtual_cpu_interface.start;
    if (info.virtual_cpu_interface.size >= info.cpu_interface.size) gic.virtual_cpu_interface += first_page;
    if (!map(info.hypervisor_interface, gic.hypervisor_interface)) return SetupError::no_memory;
  }
  gic.version = info.version;
  gic.names_a_product = gicd::iidr::ProductID::get(mmio_read32(gic.distributor + gicd::IIDR)) != 0;
  set_up_distributor();
  return SetupError::none;
}

SetupError set_up_cpu(hal::CpuIndex cpu, uint64_t hardware_id) {
  return gic.version == 3 ? set_up_cpu_v3(cpu, hardware_id) : set_up_cpu_v2(cpu);
}

void abandon() { gic.version = 0; }
unsigned version() { return gic.version; }
bool names_a_product() { return gic.names_a_product; }
hal::HostVirt hypervisor_interface() { return gic.hypervisor_interface; }
hal::HostPhys virtual_cpu_interface() { return gic.virtual_cpu_interface; }

void enable_private(hal::CpuIndex cpu, uint32_t intid, Rank rank) {
  mmio_write8(private_registers(cpu) + gicd::IPRIORITYR + intid, static_cast<uint8_t>(rank));
  mmio_write32(private_registers(cpu) + gicd::ISENABLER, uint32_t{1} << intid);
}

void set_private_active(uint32_t intid, bool active) {
  const HostVirt word = private_registers(this_cpu()) + (active ? gicd::ISACTIVER : gicd::ICACTIVER);
  mmio_write32(word, uint32_t{1} << intid);
  // The write may be posted, and a tied list register lets the guest deactivate the interrupt through the CPU
  // interface, which is another way there: an end that overtook this would leave the interrupt active for good. A read
  // of the same frame comes back after the write has taken effect (DDI 0487 B2.3.12, Device-nGnRE).
  static_cast<void>(mmio_read32(word));
}

uint32_t acknowledge() {
  if (gic.version == 3) {
    const auto acknowledged = static_cast<uint32_t>(read<icc_iar1_el1>());
    // Makes the acknowledge effective before anything that depends on it (4.4.1 of the GIC software guide).
    dsb_sy();
    return acknowledged;
  }
  return mmio_read32(gic.cpu_interface + regs::gicc::iar);
}

void drop_priority(uint32_t acknowledged) {
  if (gic.version == 3) {
    write<icc_eoir1_el1>(acknowledged);
    isb();
  } else {
    mmio_write32(gic.cpu_interface + regs::gicc::eoir, acknowledged);
  }
}

void deactivate(uint32_t acknowledged) {
  if (gic.version == 3) {
    write<icc_dir_el1>(acknowledged);
    isb();
  } else {
    mmio_write32(gic.cpu_interface + regs::gicc::dir, acknowledged);
  }
}

}  // namespace arch::gic

namespace arch {

using namespace gic;
using hal::HostVirt;

void Irqs::enable(hal::Irq irq, hal::CpuIndex cpu, bool level) {
  const auto intid = static_cast<uint32_t>(irq);
  const HostVirt base = gic::gic.distributor;
  const uint64_t config = base.value() + gicd::ICFGR + intid / 16 * 4;
  const uint32_t edge = uint32_t{2} << (intid % 16 * 2);
  const uint32_t old = mmio_read32(HostVirt(config));
  mmio_write32(HostVirt(config), level ? old & ~edge : old | edge);
  if (gic::gic.version == 3) {
    mmio_write64(base + gicd::IROUTER + 8 * intid, gic::gic.affinities[cpu] & regs::mpidr_el1::affinity);
  } else {
    mmio_write8(base + gicd::ITARGETSR + intid, gic::gic.targets[cpu]);
  }
  mmio_write32(base + gicd::ISENABLER + intid / 32 * 4, uint32_t{1} << intid % 32);
}

void Irqs::disable(hal::Irq irq) {
  const auto intid = static_cast<uint32_t>(irq);
  mmio_write32(gic::gic.distributor + gicd::ICENABLER + intid / 32 * 4, uint32_t{1} << intid % 32);
}

void Irqs::send_ipi(hal::CpuIndex cpu) {
  // What the other CPU is to find must be visible before it is interrupted.
  asm volatile("dsb ishst" ::: "memory");
  if (gic::gic.version == 2) {
    mmio_write32(gic::gic.distributor + gicd::SGIR,
                 static_cast<uint32_t>(gicd::sgir::CPUTargetList::of(gic::gic.targets[cpu])));
    return;
  }
  write<regs::icc_sgi1r_el1>(gic::gic.sgis[cpu]);
  isb();
}

}  // namespace arch
