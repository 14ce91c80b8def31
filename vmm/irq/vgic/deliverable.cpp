// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/deliverable.hpp"

#include <algorithm>
#include <optional>

#include "vmm/irq/vgic/bank_registers.hpp"
#include "vmm/irq/vgic/mmio_frames.hpp"

namespace vmm::vgic {

namespace {

namespace vmcr = arch::gic::ich_vmcr;

// Bit n of the active priorities registers stands for preemption level n, the lowest is the most urgent.
unsigned running_priority(const ActivePriorities& active, unsigned preemption_bits) {
  for (unsigned word = 0; word < active.group0.size(); ++word) {
    const uint32_t both = active.group0[word] | active.group1[word];
    if (both == 0) continue;
    return (word * 32 + static_cast<unsigned>(std::countr_zero(both))) << (8 - preemption_bits);
  }
  return 0x100;
}

// The CPU interface is looked at when there is something to ask it about: mostly there is not.
class LazySignalling {
 public:
  LazySignalling(const Model& model, const CpuContext& cpu) : model_(model), cpu_(cpu) {}
  [[nodiscard]] bool passes(uint32_t priority, bool group1) {
    if (!known_) known_.emplace(model_, cpu_);
    return known_->passes(static_cast<uint8_t>(priority), group1);
  }

 private:
  const Model& model_;
  const CpuContext& cpu_;
  std::optional<Signalling> known_;
};

bool bank_would_signal(Model& m, const CpuContext& cpu, Bank& bank, LazySignalling& signalling) {
  const hal::LockGuard guard(bank.lock);
  for (uint32_t bits = bank.ready(m.groups()) & ~bank.active & ~bank.held; bits != 0; bits &= bits - 1) {
    const auto n = static_cast<unsigned>(std::countr_zero(bits));
    if (bank.is_shared() && shared(bank).target[n] != cpu.index) continue;
    if (signalling.passes(bank.priority[n], (bank.group1 >> n & 1) != 0)) return true;
  }
  return false;
}

bool lpis_would_signal(const Model& m, CpuContext& cpu, LazySignalling& signalling) {
  if (!m.forwards_lpis(cpu)) return false;
  const hal::LockGuard guard(cpu.lpis.lock);
  bool found = false;
  cpu.lpis.for_each([&](uint32_t index) {
    found = m.lpi_enabled(index) && signalling.passes(m.lpi_priority(index), true);
    return !found;
  });
  return found;
}

}  // namespace

Signalling::Signalling(const Model& m, const CpuContext& cpu) : vmcr_(cpu.loaded ? m.hardware.vmcr() : cpu.vmcr) {
  ActivePriorities active = cpu.active_priorities;
  if (cpu.loaded) m.hardware.active_priorities(active);
  running_priority_ = running_priority(active, m.hardware.preemption_bits());
}

bool Signalling::passes(uint8_t priority, bool group1) const {
  const bool enabled = group1 ? vmcr::VENG1::is_set(vmcr_) : vmcr::VENG0::is_set(vmcr_);
  if (!enabled || priority >= vmcr::VPMR::get(vmcr_)) return false;
  // The binary point of group 1 counts from one bit further up (4.8.2, 4.8.3).
  const bool own_point = group1 && !vmcr::VCBPR::is_set(vmcr_);
  const auto subpriority_bits =
      static_cast<unsigned>(own_point ? vmcr::VBPR1::get(vmcr_) : vmcr::VBPR0::get(vmcr_) + 1);
  return (priority & ~hal::low_mask(subpriority_bits)) < running_priority_;
}

bool would_signal(Model& m, CpuContext& cpu) {
  LazySignalling signalling(m, cpu);
  if (bank_would_signal(m, cpu, cpu.bank, signalling)) return true;
  for (uint32_t hint = cpu.spi_hint.load(std::memory_order_relaxed); hint != 0; hint &= hint - 1) {
    if (bank_would_signal(m, cpu, m.spi_bank(static_cast<unsigned>(std::countr_zero(hint))), signalling)) return true;
  }
  return cpu.lpis.any() && lpis_would_signal(m, cpu, signalling);
}

[[clang::minsize]] uint64_t read_common(const Model& m, CommonRegister which) {
  namespace ctlr = arch::gic::icc_ctlr;
  const uint32_t now = m.hardware.vmcr();
  if (which == CommonRegister::pmr) return vmcr::VPMR::get(now);
  if (which == CommonRegister::ctlr) {
    return m.hardware.implemented() | ctlr::CBPR::of(vmcr::VCBPR::get(now)) | ctlr::EOImode::of(vmcr::VEOIM::get(now));
  }
  constexpr unsigned idle = 0xff;
  ActivePriorities active{};
  m.hardware.active_priorities(active);
  return std::min(running_priority(active, m.hardware.preemption_bits()), idle);
}

[[clang::minsize]] void write_common(const Model& m, CommonRegister which, uint64_t value) {
  namespace ctlr = arch::gic::icc_ctlr;
  uint64_t now = m.hardware.vmcr();
  if (which == CommonRegister::rpr) return;
  if (which == CommonRegister::pmr) {
    now = vmcr::VPMR::set(now, value & priority_mask);
  } else {
    now = vmcr::VCBPR::set(vmcr::VEOIM::set(now, ctlr::EOImode::get(value)), ctlr::CBPR::get(value));
  }
  m.hardware.set_vmcr(static_cast<uint32_t>(now));
}

[[clang::minsize]] void deactivate(Model& m, CpuContext& self, uint64_t value) {
  const auto intid = static_cast<IntId>(value & 0xff'ffff);
  if (intid >= std::min(m.intid_limit(), arch::gic::first_special)) return;
  // With EOImode = 0 this is UNPREDICTABLE (12.2, ICC_DIR_EL1): nothing happens.
  const uint32_t now = self.loaded ? m.hardware.vmcr() : self.vmcr;
  if (!vmcr::VEOIM::is_set(now)) return;
  BankRegisters::clear_active(m, m.bank_of(self, intid), self, 1u << intid % 32);
}

DeactivatePage::DeactivatePage(Model& model)
    : MmioDevice("gic-deactivate", {model.config.cpu_interface + 0x1000, 0x1000}), model_(model) {}

uint64_t DeactivatePage::read(MmioAccess) { return 0; }

void DeactivatePage::write(MmioAccess access, uint64_t value) {
  if (access.offset != arch::gic::gicc::DIR - 0x1000 || access.size != 4) return;
  deactivate(model_, model_.cpus[access.vcpu], arch::gic::gicc::dir::INTID::get(value));
}

}  // namespace vmm::vgic
