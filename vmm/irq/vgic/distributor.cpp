// SPDX-License-Identifier: Apache-2.0
// The distributor's registers, section 12.9 of IHI 0069 and 4.3 of IHI 0048.
#include "arch/aarch64/regs/gic.hpp"
#include "vmm/irq/vgic/bank_registers.hpp"
#include "vmm/irq/vgic/common_registers.hpp"
#include "vmm/irq/vgic/mmio_frames.hpp"
#include "vmm/irq/vgic/register_map.hpp"
#include "vmm/irq/vgic/sgi.hpp"

namespace vmm::vgic {

namespace {

namespace gicd = arch::gic::gicd;

// --- Registers of the whole controller ---

uint64_t read_ctlr(const RegisterAccess& a) {
  const uint64_t fixed = a.model.is_v3() ? gicd::ctlr::ARE::mask | gicd::ctlr::DS::mask : 0;
  return fixed | a.model.groups();
}
void write_ctlr(const RegisterAccess& a, uint64_t value) {
  const auto groups = static_cast<uint32_t>(value & (gicd::ctlr::EnableGrp0::mask | gicd::ctlr::EnableGrp1::mask));
  Kicks kicks(a.model.kicker, a.self.index);
  if (a.model.ctlr.exchange(groups, std::memory_order_relaxed) != groups) a.model.resync_all(kicks);
}

uint64_t read_typer(const RegisterAccess& a) {
  const Model& m = a.model;
  const uint64_t lines = gicd::typer::ITLinesNumber::of(m.spi_banks.size());
  if (!m.is_v3()) return lines | gicd::typer::CPUNumber::of(m.cpus.size() - 1);
  const bool lpis = m.config.its;
  return lines | gicd::typer::A3V::mask | gicd::typer::LPIS::of(lpis ? 1 : 0) |
         gicd::typer::IDbits::of(lpis ? intid_bits - 1 : 9);
}

// --- Who an SPI is for ---

// Version 2: a byte per interrupt. Those of private interrupts say who asks; with one CPU there is nothing to choose.
uint64_t read_targets(const RegisterAccess& a) {
  Model& m = a.model;
  const unsigned bank = a.offset / 32;
  if (m.cpus.size() == 1 || bank > m.spi_banks.size()) return 0;
  if (bank == 0) return (0x0101'0101u << a.self.index) & hal::low_mask(a.size * 8u);
  uint64_t value = 0;
  for (unsigned i = 0; i < a.size; ++i) value |= uint64_t{m.spi_banks[bank - 1].route[a.offset % 32 + i]} << i * 8;
  return value;
}
void write_targets(const RegisterAccess& a, uint64_t value) {
  Model& m = a.model;
  const unsigned bank = a.offset / 32;
  if (m.cpus.size() == 1 || bank == 0 || bank > m.spi_banks.size()) return;
  const BankRef ref = m.spi_bank(bank);
  Kicks kicks(m.kicker, a.self.index);
  const hal::LockGuard guard(ref.bank.lock);
  for (unsigned i = 0; i < a.size; ++i) {
    const unsigned n = a.offset % 32 + i;
    const auto cpus = static_cast<uint32_t>(value >> i * 8 & hal::low_mask(static_cast<unsigned>(m.cpus.size())));
    if ((ref.existing() >> n & 1) == 0 || ref.spi->route[n] == cpus) continue;
    m.set_route(ref, n, cpus, !std::has_single_bit(cpus), kicks);
  }
}

// Version 3: a double-word per interrupt; those of private interrupts do not exist.
uint64_t route_of(const SpiBank& spi, unsigned n) {
  const uint64_t low = spi.route[n] & 0xff'ffff;
  const uint64_t high = spi.route[n] >> 24;
  return low | gicd::irouter::Aff3::of(high) | gicd::irouter::IRM::of(spi.any_vcpu >> n & 1);
}
uint64_t read_router(const RegisterAccess& a) {
  const IntId intid = a.offset / 8;
  if (intid < arch::gic::first_spi || intid >= a.model.intid_limit()) return 0;
  return part_of(route_of(a.model.spi_banks[intid / 32 - 1], intid % 32), a);
}
void write_router(const RegisterAccess& a, uint64_t value) {
  Model& m = a.model;
  const IntId intid = a.offset / 8;
  if (intid < arch::gic::first_spi || intid >= std::min(m.intid_limit(), arch::gic::first_special)) return;
  const BankRef ref = m.spi_bank(intid / 32);
  Kicks kicks(m.kicker, a.self.index);
  const hal::LockGuard guard(ref.bank.lock);
  const uint64_t router = with_part(route_of(*ref.spi, intid % 32), a, value);
  const auto affinity = static_cast<uint32_t>((router & 0xff'ffff) | gicd::irouter::Aff3::get(router) << 24);
  m.set_route(ref, intid % 32, affinity, gicd::irouter::IRM::is_set(router), kicks);
}

// --- SGIs of version 2 ---

void write_sgir(const RegisterAccess& a, uint64_t value) {
  const uint64_t everyone = hal::low_mask(static_cast<unsigned>(a.model.cpus.size()));
  uint64_t targets = 0;
  switch (static_cast<gicd::sgir::Filter>(gicd::sgir::TargetListFilter::get(value))) {
    case gicd::sgir::Filter::list: targets = gicd::sgir::CPUTargetList::get(value) & everyone; break;
    case gicd::sgir::Filter::others: targets = everyone & ~hal::bit(a.self.index); break;
    case gicd::sgir::Filter::self: targets = hal::bit(a.self.index); break;
    default: return;
  }
  Kicks kicks(a.model.kicker, a.self.index);
  for (; targets != 0; targets &= targets - 1) {
    CpuContext& target = a.model.cpus[static_cast<unsigned>(std::countr_zero(targets))];
    pend_sgi(a.model, target, static_cast<unsigned>(gicd::sgir::INTID::get(value)), hal::bit(a.self.index), kicks);
  }
}

// GICD_SPENDSGIR and GICD_CPENDSGIR: per SGI a byte of source CPUs.
uint64_t read_sources(const RegisterAccess& a) {
  a.model.refresh(a.model.private_bank(a.self), 0xffff, a.self, false);
  const hal::LockGuard guard(a.self.bank.lock);
  uint64_t value = 0;
  for (unsigned i = 0; i < a.size; ++i) value |= uint64_t{a.self.sgi_sources[a.offset + i]} << i * 8;
  return value;
}
void set_sources(const RegisterAccess& a, uint64_t value) {
  const uint64_t everyone = hal::low_mask(static_cast<unsigned>(a.model.cpus.size()));
  Kicks kicks(a.model.kicker, a.self.index);
  for (unsigned i = 0; i < a.size; ++i) {
    const uint64_t sources = value >> i * 8 & 0xff & everyone;
    if (sources != 0) pend_sgi(a.model, a.self, a.offset + i, sources, kicks);
  }
}
void clear_sources(const RegisterAccess& a, uint64_t value) {
  a.model.refresh(a.model.private_bank(a.self), 0xffff, a.self, false);
  const hal::LockGuard guard(a.self.bank.lock);
  for (unsigned i = 0; i < a.size; ++i) {
    uint8_t& sources = a.self.sgi_sources[a.offset + i];
    sources = static_cast<uint8_t>(sources & ~(value >> i * 8));
    if (sources == 0) a.self.bank.latch &= ~(1u << (a.offset + i));
  }
}

// --- The tables ---

using Bits = BankRows<Frame::distributor>;

constexpr RegisterMap v2_map(std::to_array<Register>({
    {gicd::CTLR, gicd::CTLR + 4, word_only, read_ctlr, write_ctlr},
    {gicd::TYPER, gicd::TYPER + 4, word_only, read_typer, nullptr},
    {gicd::IIDR, gicd::IIDR + 4, word_only, read_iidr, nullptr},
    {gicd::IGROUPR, gicd::IGROUPR + 0x80, word_only, Bits::read<&BankRegisters::group>,
     Bits::write<&BankRegisters::set_group>},
    {gicd::ISENABLER, gicd::ISENABLER + 0x80, word_only, Bits::read<&BankRegisters::enabled>,
     Bits::write<&BankRegisters::set_enabled>},
    {gicd::ICENABLER, gicd::ICENABLER + 0x80, word_only, Bits::read<&BankRegisters::enabled>,
     Bits::write<&BankRegisters::clear_enabled>},
    {gicd::ISPENDR, gicd::ISPENDR + 0x80, word_only, Bits::read<&BankRegisters::pending>,
     Bits::write<&BankRegisters::set_pending>},
    {gicd::ICPENDR, gicd::ICPENDR + 0x80, word_only, Bits::read<&BankRegisters::pending>,
     Bits::write<&BankRegisters::clear_pending>},
    {gicd::ISACTIVER, gicd::ISACTIVER + 0x80, word_only, Bits::read<&BankRegisters::active>,
     Bits::write<&BankRegisters::set_active>},
    {gicd::ICACTIVER, gicd::ICACTIVER + 0x80, word_only, Bits::read<&BankRegisters::active>,
     Bits::write<&BankRegisters::clear_active>},
    {gicd::IPRIORITYR, gicd::IPRIORITYR + 0x400, byte_word, Bits::read_priorities, Bits::write_priorities},
    {gicd::ITARGETSR, gicd::ITARGETSR + 0x400, byte_word, read_targets, write_targets},
    {gicd::ICFGR, gicd::ICFGR + 0x100, word_only, Bits::read_configuration, Bits::write_configuration},
    {gicd::SGIR, gicd::SGIR + 4, word_only, nullptr, write_sgir},
    {gicd::CPENDSGIR, gicd::CPENDSGIR + 0x10, byte_word, read_sources, clear_sources},
    {gicd::SPENDSGIR, gicd::SPENDSGIR + 0x10, byte_word, read_sources, set_sources},
    {0xfd0, 0x1000, word_only, read_identification<0xfd0>, nullptr},
}));

constexpr RegisterMap v3_map(std::to_array<Register>({
    {gicd::CTLR, gicd::CTLR + 4, word_only, read_ctlr, write_ctlr},
    {gicd::TYPER, gicd::TYPER + 4, word_only, read_typer, nullptr},
    {gicd::IIDR, gicd::IIDR + 4, word_only, read_iidr, nullptr},
    {gicd::IGROUPR, gicd::IGROUPR + 0x80, word_only, Bits::read<&BankRegisters::group>,
     Bits::write<&BankRegisters::set_group>},
    {gicd::ISENABLER, gicd::ISENABLER + 0x80, word_only, Bits::read<&BankRegisters::enabled>,
     Bits::write<&BankRegisters::set_enabled>},
    {gicd::ICENABLER, gicd::ICENABLER + 0x80, word_only, Bits::read<&BankRegisters::enabled>,
     Bits::write<&BankRegisters::clear_enabled>},
    {gicd::ISPENDR, gicd::ISPENDR + 0x80, word_only, Bits::read<&BankRegisters::pending>,
     Bits::write<&BankRegisters::set_pending>},
    {gicd::ICPENDR, gicd::ICPENDR + 0x80, word_only, Bits::read<&BankRegisters::pending>,
     Bits::write<&BankRegisters::clear_pending>},
    {gicd::ISACTIVER, gicd::ISACTIVER + 0x80, word_only, Bits::read<&BankRegisters::active>,
     Bits::write<&BankRegisters::set_active>},
    {gicd::ICACTIVER, gicd::ICACTIVER + 0x80, word_only, Bits::read<&BankRegisters::active>,
     Bits::write<&BankRegisters::clear_active>},
    {gicd::IPRIORITYR, gicd::IPRIORITYR + 0x400, byte_word, Bits::read_priorities, Bits::write_priorities},
    {gicd::ICFGR, gicd::ICFGR + 0x100, word_only, Bits::read_configuration, Bits::write_configuration},
    {gicd::IROUTER, gicd::IROUTER + 0x2000, word_double, read_router, write_router},
    {0xffd0, 0x10000, word_only, read_identification<0xffd0>, nullptr},
}));

}  // namespace

Distributor::Distributor(Model& model)
    : MmioDevice("gic-distributor", {model.config.distributor, 0x10000}), model_(model) {}

uint64_t Distributor::read(const MmioAccess& access) {
  CpuContext& self = model_.cpus[access.vcpu];
  const auto offset = static_cast<uint32_t>(access.offset);
  return model_.is_v3() ? read_register(v3_map, model_, self, offset, access)
                        : read_register(v2_map, model_, self, offset, access);
}
void Distributor::write(const MmioAccess& access, uint64_t value) {
  CpuContext& self = model_.cpus[access.vcpu];
  const auto offset = static_cast<uint32_t>(access.offset);
  if (model_.is_v3()) {
    write_register(v3_map, model_, self, offset, access, value);
  } else {
    write_register(v2_map, model_, self, offset, access, value);
  }
}

}  // namespace vmm::vgic
