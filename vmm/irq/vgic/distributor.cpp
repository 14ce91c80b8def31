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

uint64_t read_ctlr(Model& m, Cpus, Part) {
  const uint64_t fixed = m.is_v3() ? gicd::ctlr::ARE::mask | gicd::ctlr::DS::mask : 0;
  return fixed | m.groups();
}
[[clang::minsize]] void write_ctlr(Model& m, Cpus cpus, Part, uint64_t value) {
  const auto groups = static_cast<uint32_t>(value & (gicd::ctlr::EnableGrp0::mask | gicd::ctlr::EnableGrp1::mask));
  if (m.ctlr.exchange(groups, std::memory_order_relaxed) != groups) m.renew_all(cpus.self);
}

uint64_t read_typer(Model& m, Cpus, Part) {
  const uint64_t lines = gicd::typer::ITLinesNumber::of(m.spi_banks.size());
  if (!m.is_v3()) return lines | gicd::typer::CPUNumber::of(m.cpus.size() - 1);
  const bool lpis = m.config.its;
  return lines | gicd::typer::A3V::mask | gicd::typer::LPIS::of(lpis ? 1 : 0) |
         gicd::typer::num_LPIs::of(lpis ? lpi_bits - 1 : 0) | gicd::typer::IDbits::of(lpis ? intid_bits - 1 : 9);
}

// --- Who an SPI is for ---

// Version 2: a byte per interrupt. Those of private interrupts say who asks; with one CPU there is nothing to choose.
[[clang::minsize]] uint64_t read_targets(Model& m, Cpus cpus, Part part) {
  const unsigned number = part.offset / 32;
  if (m.is_v3() || m.cpus.size() == 1 || number > m.spi_banks.size()) return 0;
  if (number == 0) return (0x0101'0101u << cpus.self.index) & hal::low_mask(part.size * 8u);
  SpiBank& bank = m.spi_bank(number);
  const hal::LockGuard guard(bank.lock);
  uint64_t value = 0;
  for (unsigned i = 0; i < part.size; ++i) value |= uint64_t{bank.route[part.offset % 32 + i]} << i * 8;
  return value;
}
[[clang::minsize]] void write_targets(Model& m, Cpus cpus, Part part, uint64_t value) {
  const unsigned number = part.offset / 32;
  if (m.is_v3() || m.cpus.size() == 1 || number == 0 || number > m.spi_banks.size()) return;
  SpiBank& bank = m.spi_bank(number);
  Kicks kicks(m.kicker, cpus.self.index);
  const hal::LockGuard guard(bank.lock);
  for (unsigned i = 0; i < part.size; ++i) {
    const unsigned n = part.offset % 32 + i;
    const auto targets = static_cast<uint32_t>(value >> i * 8 & hal::low_mask(static_cast<unsigned>(m.cpus.size())));
    if ((bank.existing() >> n & 1) == 0 || bank.route[n] == targets) continue;
    m.set_route(bank, n, targets, !std::has_single_bit(targets), kicks);
  }
}

// Version 3: a double-word per interrupt; those of private interrupts do not exist.
uint64_t route_of(const SpiBank& spi, unsigned n) {
  const uint64_t low = spi.route[n] & 0xff'ffff;
  const uint64_t high = spi.route[n] >> 24;
  return low | gicd::irouter::Aff3::of(high) | gicd::irouter::IRM::of(spi.any_vcpu >> n & 1);
}
[[clang::minsize]] uint64_t read_router(Model& m, Cpus, Part part) {
  const IntId intid = part.offset / 8;
  if (!m.is_v3() || intid < arch::gic::first_spi || intid >= m.intid_limit()) return 0;
  SpiBank& bank = m.spi_bank(intid / 32);
  const hal::LockGuard guard(bank.lock);
  return part_of(route_of(bank, intid % 32), part);
}
[[clang::minsize]] void write_router(Model& m, Cpus cpus, Part part, uint64_t value) {
  const IntId intid = part.offset / 8;
  if (!m.is_v3() || intid < arch::gic::first_spi) return;
  if (intid >= std::min(m.intid_limit(), arch::gic::first_special)) return;
  SpiBank& bank = m.spi_bank(intid / 32);
  Kicks kicks(m.kicker, cpus.self.index);
  const hal::LockGuard guard(bank.lock);
  const uint64_t router = with_part(route_of(bank, intid % 32), part, value);
  const auto affinity = static_cast<uint32_t>((router & 0xff'ffff) | gicd::irouter::Aff3::get(router) << 24);
  m.set_route(bank, intid % 32, affinity, gicd::irouter::IRM::is_set(router), kicks);
}

// --- SGIs of version 2 ---

void write_sgir(Model& m, Cpus cpus, Part, uint64_t value) {
  if (m.is_v3()) return;
  const uint64_t everyone = hal::low_mask(static_cast<unsigned>(m.cpus.size()));
  uint64_t targets = 0;
  switch (static_cast<gicd::sgir::Filter>(gicd::sgir::TargetListFilter::get(value))) {
    case gicd::sgir::Filter::list: targets = gicd::sgir::CPUTargetList::get(value) & everyone; break;
    case gicd::sgir::Filter::others: targets = everyone & ~hal::bit(cpus.self.index); break;
    case gicd::sgir::Filter::self: targets = hal::bit(cpus.self.index); break;
    default: return;
  }
  const auto sgi = static_cast<unsigned>(gicd::sgir::INTID::get(value));
  for (; targets != 0; targets &= targets - 1) {
    CpuContext& target = m.cpus[static_cast<unsigned>(std::countr_zero(targets))];
    if (pend_sgi(m, target, sgi, hal::bit(cpus.self.index))) tell_vcpu(m, target, cpus.self.index);
  }
}

// GICD_SPENDSGIR and GICD_CPENDSGIR: per SGI a byte of source CPUs.
[[clang::minsize]] uint64_t read_sources(Model& m, Cpus cpus, Part part) {
  if (m.is_v3()) return 0;
  m.refresh(cpus.self.bank, 0xffff, cpus.self, false);
  Kicks kicks(m.kicker, Kicks::nobody);
  const hal::LockGuard guard(cpus.self.bank.lock);
  if (cpus.self.has_work()) kicks.add(cpus.self, 0);
  uint64_t value = 0;
  for (unsigned i = 0; i < part.size; ++i) value |= uint64_t{cpus.self.sgi_sources[part.offset + i]} << i * 8;
  return value;
}
[[clang::minsize]] void set_sources(Model& m, Cpus cpus, Part part, uint64_t value) {
  if (m.is_v3()) return;
  const uint64_t everyone = hal::low_mask(static_cast<unsigned>(m.cpus.size()));
  for (unsigned i = 0; i < part.size; ++i) {
    const uint64_t sources = value >> i * 8 & 0xff & everyone;
    if (sources != 0 && pend_sgi(m, cpus.self, part.offset + i, sources)) tell_vcpu(m, cpus.self, cpus.self.index);
  }
}
[[clang::minsize]] void clear_sources(Model& m, Cpus cpus, Part part, uint64_t value) {
  if (m.is_v3()) return;
  m.refresh(cpus.self.bank, 0xffff, cpus.self, false);
  const hal::LockGuard guard(cpus.self.bank.lock);
  for (unsigned i = 0; i < part.size; ++i) {
    uint8_t& sources = cpus.self.sgi_sources[part.offset + i];
    sources = static_cast<uint8_t>(sources & ~(value >> i * 8));
    if (sources == 0) cpus.self.bank.latch &= ~(1u << (part.offset + i));
  }
}

// --- The table ---

// Both versions; what only one of them has asks which one this is. Its index is large, because guests enable and
// disable interrupts here.
constexpr RegisterMap<19, 4> map(
    std::array{
        Register{gicd::CTLR, gicd::CTLR + 4, word_only, read_ctlr, write_ctlr},
        Register{gicd::TYPER, gicd::TYPER + 4, word_only, read_typer, nullptr},
        Register{gicd::IIDR, gicd::IIDR + 4, word_only, read_iidr, nullptr},
        Register{gicd::ITARGETSR, gicd::ITARGETSR + 0x400, byte_word, read_targets, write_targets},
        Register{gicd::SGIR, gicd::SGIR + 4, word_only, nullptr, write_sgir},
        Register{gicd::CPENDSGIR, gicd::CPENDSGIR + 0x10, byte_word, read_sources, clear_sources},
        Register{gicd::SPENDSGIR, gicd::SPENDSGIR + 0x10, byte_word, read_sources, set_sources},
        Register{0xfd0, 0x1000, word_only, read_identification<0xfd0, Component::version_2>, nullptr},
        Register{gicd::IROUTER, gicd::IROUTER + 0x2000, word_double, read_router, write_router},
        Register{0xffd0, 0x10000, word_only, read_identification<0xffd0, Component::distributor>, nullptr},
    },
    bank_rows<Frame::distributor>(32));

}  // namespace

Distributor::Distributor(Model& model)
    : MmioDevice("gic-distributor", {model.config.distributor, 0x10000}), model_(model) {}

uint64_t Distributor::read(MmioAccess access) {
  CpuContext& self = model_.cpus[access.vcpu];
  return map.read(model_, {self, self}, static_cast<uint32_t>(access.offset), access.size);
}
void Distributor::write(MmioAccess access, uint64_t value) {
  CpuContext& self = model_.cpus[access.vcpu];
  map.write(model_, {self, self}, static_cast<uint32_t>(access.offset), access.size, value);
}

}  // namespace vmm::vgic
