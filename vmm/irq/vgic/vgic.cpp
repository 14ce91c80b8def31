// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/vgic.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "vmm/irq/vgic/bank_registers.hpp"
#include "vmm/irq/vgic/deliverable.hpp"
#include "vmm/irq/vgic/sgi.hpp"

namespace vmm::vgic {

namespace {

// Where the parts lie in the owner's storage, largest alignment first.
struct Layout {
  size_t cpus = 0;
  size_t spi_banks = 0;
  size_t lpi_words = 0;
  size_t lpis = 0;
  size_t end = 0;

  explicit constexpr Layout(const Config& config) {
    spi_banks = config.vcpus * sizeof(CpuContext);
    lpi_words = spi_banks + bank_count(config) * sizeof(SpiBank);
    lpis = lpi_words + (config.its ? config.vcpus * LpiSet::word_count * sizeof(uint64_t) : 0);
    end = lpis + (config.its ? lpi_count * sizeof(Lpi) : 0);
  }
  [[nodiscard]] static constexpr size_t bank_count(const Config& config) { return (config.spis + 31) / 32; }
};
static_assert(sizeof(CpuContext) % alignof(SpiBank) == 0 && sizeof(SpiBank) % alignof(uint32_t) == 0);

template <class T>
std::span<T> make_array(std::span<std::byte> storage, size_t offset, size_t count) {
  T* const first = reinterpret_cast<T*>(storage.data() + offset);
  std::uninitialized_value_construct_n(first, count);
  return {first, count};
}

// GICH_VMCR and ICH_VMCR_EL2 out of reset: all disabled, nothing allowed; BPR1 cannot be less than 1 more than BPR0's
// least.
constexpr uint32_t reset_vmcr =
    static_cast<uint32_t>(arch::gic::ich_vmcr::VBPR1::of(3) | arch::gic::ich_vmcr::VBPR0::of(2));

}  // namespace

bool Vgic::is_valid(const Config& config) {
  const bool v3 = config.version == Version::v3;
  const bool counts = config.vcpus >= 1 && config.vcpus <= (v3 ? max_vcpus : 8u) && config.spis <= 988;
  const bool timer = config.timer_ppi >= arch::gic::first_ppi && config.timer_ppi < arch::gic::first_spi;
  return counts && timer && config.physical_timer < arch::gic::first_special && (v3 || !config.its);
}

size_t Vgic::storage_size(const Config& config) { return Layout(config).end; }

Vgic::Vgic(const Config& config, std::span<std::byte> storage, const CpuInterface& hardware, VcpuKicker& kicker,
           GuestMemoryAccess& memory)
    : model_{.config = config,
             .hardware = hardware,
             .kicker = kicker,
             .memory = memory,
             .cpus = make_array<CpuContext>(storage, 0, config.vcpus),
             .spi_banks = make_array<SpiBank>(storage, Layout(config).spi_banks, Layout::bank_count(config)),
             .lpis = make_array<Lpi>(storage, Layout(config).lpis, config.its ? lpi_count : 0)},
      distributor_(model_),
      redistributors_(model_),
      deactivate_page_(model_),
      its_(model_) {
  VcpuIndex index = 0;
  for (CpuContext& cpu : model_.cpus) {
    cpu.index = index;
    cpu.bank.owner = static_cast<uint8_t>(index);
    const size_t words = Layout(config).lpi_words + index * LpiSet::word_count * sizeof(uint64_t);
    if (config.its) cpu.lpis.words = make_array<uint64_t>(storage, words, LpiSet::word_count);
    ++index;
  }
  for (unsigned number = 1; number <= model_.spi_banks.size(); ++number) {
    model_.spi_bank(number).number = static_cast<uint8_t>(number);
  }
  reset();
}

void Vgic::set_level(VirtualIrq irq, bool level) {
  const auto intid = static_cast<IntId>(irq);
  if (intid < arch::gic::first_spi || intid >= std::min(model_.intid_limit(), arch::gic::first_special)) return;
  model_.set_line(model_.spi_bank(intid / 32), 1u << intid % 32, level);
}

void Vgic::set_private_level(VcpuIndex vcpu, IntId ppi, bool level) {
  if (ppi < arch::gic::first_ppi || ppi >= arch::gic::first_spi || ppi == model_.config.timer_ppi) return;
  model_.set_line(model_.cpus[vcpu].bank, 1u << ppi, level);
}

void Vgic::send_msi(uint32_t device_id, uint32_t event_id) { its_.translate(device_id, event_id); }

bool Vgic::has_pending(VcpuIndex vcpu) {
  CpuContext& cpu = model_.cpus[vcpu];
  if (cpu.loaded && model_.hardware.is_quiet(cpu)) return false;
  if (cpu.loaded && cpu.used != 0) model_.hardware.fold(model_, cpu);
  return would_signal(model_, cpu);
}

bool Vgic::timer_would_wake(VcpuIndex vcpu) {
  CpuContext& cpu = model_.cpus[vcpu];
  const unsigned n = model_.config.timer_ppi;
  const uint32_t bit = model_.timer_bit();
  const hal::LockGuard guard(cpu.bank.lock);
  const bool forwarded = (cpu.bank.enabled & ~cpu.bank.active & bit & cpu.bank.in_enabled_group(model_.groups())) != 0;
  return forwarded && Signalling(model_, cpu).passes(cpu.bank.priority[n], (cpu.bank.group1 & bit) != 0);
}

// Nearly always to one vCPU, by the register of group 1.
void Vgic::send_sgi(VcpuIndex vcpu, SgiRegister which, uint64_t value) {
  namespace sgir = arch::gic::icc_sgir;
  constexpr uint64_t elsewhere = sgir::IRM::mask | sgir::RS::mask | sgir::Aff2::mask | sgir::Aff3::mask;
  const uint64_t list = sgir::TargetList::get(value);
  const auto first = static_cast<unsigned>(std::countr_zero(list));
  const size_t target = static_cast<size_t>(sgir::Aff1::get(value)) * 16 + first;
  if ((value & elsewhere) != 0 || list == 0 || list >> first != 1 || target >= model_.cpus.size()) [[unlikely]] {
    return send_sgis(vcpu, which, value);
  }
  send_one_sgi(vcpu, which, static_cast<unsigned>(sgir::INTID::get(value)), model_.cpus[target]);
}

[[gnu::noinline]] void Vgic::send_sgis(VcpuIndex vcpu, SgiRegister which, uint64_t value) {
  namespace sgir = arch::gic::icc_sgir;
  const auto sgi = static_cast<unsigned>(sgir::INTID::get(value));
  if (sgir::IRM::is_set(value)) {
    for (CpuContext& target : model_.cpus) {
      if (target.index != vcpu) send_one_sgi(vcpu, which, sgi, target);
    }
    return;
  }
  // Aff0 is at most 15 (GICD_TYPER.RSS = 0), so that a cluster is one target list.
  if ((value & (sgir::RS::mask | sgir::Aff2::mask | sgir::Aff3::mask)) != 0) return;
  const auto cluster = static_cast<size_t>(sgir::Aff1::get(value)) * 16;
  for (uint64_t list = sgir::TargetList::get(value); list != 0; list &= list - 1) {
    const size_t target = cluster + static_cast<size_t>(std::countr_zero(list));
    if (target >= model_.cpus.size()) return;
    send_one_sgi(vcpu, which, sgi, model_.cpus[target]);
  }
}

void Vgic::send_one_sgi(VcpuIndex vcpu, SgiRegister which, unsigned sgi, CpuContext& target) {
  // The register of group 1 reaches interrupts of either group, as there is one Security state; the others only group
  // 0.
  const bool any_group = which == SgiRegister::sgi1r;
  if (any_group && target.index == vcpu && target.loaded) {
    if (!model_.hardware.send_self(model_, target, sgi)) model_.kicker.kick(vcpu);
    return;
  }
  if (!pend_sgi(model_, target, sgi, 0, any_group)) return;
  target.work.fetch_or(CpuContext::add, std::memory_order_release);
  model_.kicker.kick(target.index);
}

void Vgic::deactivate(VcpuIndex vcpu, uint64_t value) { vgic::deactivate(model_, model_.cpus[vcpu], value); }

[[clang::minsize]] void Vgic::reset_cpu_interface(VcpuIndex vcpu) {
  CpuContext& cpu = model_.cpus[vcpu];
  cpu.vmcr = reset_vmcr;
  cpu.active_priorities = {};
  cpu.eligible.store(false, std::memory_order_relaxed);
  // Its 1-of-N interrupts look for somebody else.
  Kicks kicks(model_.kicker, Kicks::nobody);
  for (unsigned number = 1; number <= model_.spi_banks.size(); ++number) {
    Bank& bank = model_.spi_bank(number);
    const hal::LockGuard guard(bank.lock);
    model_.announce(bank, shared(bank).any_vcpu, kicks);
  }
}

[[clang::minsize]] void Vgic::reset() {
  constexpr uint32_t sgis = 0xffff;
  model_.ctlr.store(0, std::memory_order_relaxed);
  for (CpuContext& cpu : model_.cpus) {
    {
      const hal::LockGuard guard(cpu.bank.lock);
      cpu.bank.reset(sgis);
      cpu.bank.enabled = always_enabled(model_, cpu.bank);
      cpu.sgi_sources.fill(0);
    }
    cpu.work.store(0, std::memory_order_relaxed);
    cpu.spi_hint.store(0, std::memory_order_relaxed);
    cpu.asleep.store(true, std::memory_order_relaxed);
    cpu.eligible.store(false, std::memory_order_relaxed);
    cpu.vmcr = reset_vmcr;
    cpu.active_priorities = {};
    cpu.used = cpu.shared_used = 0;
    cpu.overflow = cpu.timer_linked = cpu.timer_owned = false;
    cpu.lpis.reset();
  }
  for (SpiBank& bank : model_.spi_banks) {
    const hal::LockGuard guard(bank.lock);
    bank.reset(0);
    bank.any_vcpu = 0;
    bank.route.fill(0);
    // Version 2 names no CPU, unless there is but one; affinity 0.0.0.0 is vCPU 0.
    bank.target.fill(model_.is_v3() || model_.cpus.size() == 1 ? 0 : no_vcpu);
  }
  for (Lpi& lpi : model_.lpis) lpi.config.store(0, std::memory_order_relaxed);
  its_.reset_state();
}

Vgic::Devices Vgic::devices() {
  if (!model_.is_v3()) return {&distributor_, nullptr, nullptr, &deactivate_page_};
  return {&distributor_, &redistributors_, model_.config.its ? &its_ : nullptr, nullptr};
}

}  // namespace vmm::vgic
