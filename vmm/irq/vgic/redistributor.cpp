// SPDX-License-Identifier: Apache-2.0
// The redistributors' registers, sections 12.10 and 12.11 of IHI 0069.
#include "arch/aarch64/regs/gic.hpp"
#include "vmm/irq/vgic/bank_registers.hpp"
#include "vmm/irq/vgic/common_registers.hpp"
#include "vmm/irq/vgic/lpi_tables.hpp"
#include "vmm/irq/vgic/mmio_frames.hpp"
#include "vmm/irq/vgic/register_map.hpp"

namespace vmm::vgic {

namespace {

namespace gicr = arch::gic::gicr;

uint64_t read_ctlr(Model& m, Cpus cpus, Part) {
  if (!m.config.its) return 0;
  return gicr::ctlr::CES::mask |
         gicr::ctlr::EnableLPIs::of(cpus.frame.lpis.enabled.load(std::memory_order_relaxed) ? 1 : 0);
}
void write_ctlr(Model& m, Cpus cpus, Part, uint64_t value) {
  if (m.config.its) enable_lpis(m, cpus.frame, cpus.self, gicr::ctlr::EnableLPIs::is_set(value));
}

uint64_t read_typer(Model& m, Cpus cpus, Part part) {
  const VcpuIndex index = cpus.frame.index;
  return part_of(
      gicr::typer::PLPIS::of(m.config.its ? 1 : 0) | gicr::typer::Last::of(index + 1 == m.cpus.size() ? 1 : 0) |
          // All of a VM's are one group (Aff3 is 0) that shares the table of the LPIs' configuration.
          gicr::typer::CommonLPIAff::of(1) | gicr::typer::Processor_Number::of(index) | gicr::typer::Affinity_Value::of(Model::affinity_of(index)),
      part);
}

uint64_t read_waker(Model&, Cpus cpus, Part) {
  const bool asleep = cpus.frame.asleep.load(std::memory_order_relaxed);
  return asleep ? gicr::waker::ProcessorSleep::mask | gicr::waker::ChildrenAsleep::mask : 0;
}
// Only the choice of 1-of-N targets looks at it: software that never wakes its redistributor still gets its interrupts,
// as under other models.
void write_waker(Model&, Cpus cpus, Part, uint64_t value) {
  cpus.frame.asleep.store(gicr::waker::ProcessorSleep::is_set(value), std::memory_order_relaxed);
}

// GICR_PROPBASER and behind it GICR_PENDBASER. They cannot change while they are in use; PENDBASER.PTZ is never shown.
uint64_t read_table(Model&, Cpus cpus, Part part) {
  const LpiSet& lpis = cpus.frame.lpis;
  return part_of(part.offset < 8 ? lpis.propbaser : lpis.pendbaser & ~gicr::pendbaser::PTZ::mask, part);
}
void write_table(Model& m, Cpus cpus, Part part, uint64_t value) {
  constexpr uint64_t attributes =
      gicr::propbaser::InnerCache::mask | gicr::propbaser::Shareability::mask | gicr::propbaser::OuterCache::mask;
  constexpr uint64_t of_propbaser = gicr::propbaser::IDbits::mask | gicr::propbaser::Physical_Address::mask;
  constexpr uint64_t of_pendbaser = gicr::pendbaser::Physical_Address::mask | gicr::pendbaser::PTZ::mask;
  LpiSet& lpis = cpus.frame.lpis;
  if (!m.config.its || lpis.enabled.load(std::memory_order_relaxed)) return;
  const bool first = part.offset < 8;
  uint64_t& table = first ? lpis.propbaser : lpis.pendbaser;
  table = with_part(table, part, value) & (attributes | (first ? of_propbaser : of_pendbaser));
}

constexpr RegisterMap<9> rd_map(std::array{
    Register{gicr::CTLR, gicr::CTLR + 4, word_only, read_ctlr, write_ctlr},
    Register{gicr::IIDR, gicr::IIDR + 4, word_only, read_iidr, nullptr},
    Register{gicr::TYPER, gicr::TYPER + 8, word_double, read_typer, nullptr},
    Register{gicr::WAKER, gicr::WAKER + 4, word_only, read_waker, write_waker},
    Register{gicr::PROPBASER, gicr::PENDBASER + 8, word_double, read_table, write_table},
    Register{0xffd0, 0x10000, word_only, read_identification<0xffd0, Component::redistributor>, nullptr},
});

// SGI_base: bank 0 at the offsets that it would have in the distributor.
constexpr RegisterMap<9> sgi_map(bank_rows<Frame::redistributor>(1));

}  // namespace

Redistributors::Redistributors(Model& model)
    : MmioDevice("gic-redistributors", {model.config.redistributors, model.config.vcpus * gicr::stride}),
      model_(model) {}

uint64_t Redistributors::read(MmioAccess access) {
  CpuContext& frame = model_.cpus[access.offset / gicr::stride];
  const auto& map = (access.offset & gicr::frame_size) != 0 ? sgi_map : rd_map;
  const auto offset = static_cast<uint32_t>(access.offset % gicr::frame_size);
  return map.read(model_, {model_.cpus[access.vcpu], frame}, offset, access.size);
}
void Redistributors::write(MmioAccess access, uint64_t value) {
  CpuContext& frame = model_.cpus[access.offset / gicr::stride];
  const auto& map = (access.offset & gicr::frame_size) != 0 ? sgi_map : rd_map;
  const auto offset = static_cast<uint32_t>(access.offset % gicr::frame_size);
  map.write(model_, {model_.cpus[access.vcpu], frame}, offset, access.size, value);
}

}  // namespace vmm::vgic
