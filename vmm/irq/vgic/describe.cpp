// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/vgic.hpp"

namespace vmm::vgic {

namespace {

void describe_bank(hal::TextSink& out, Bank& bank) {
  const hal::LockGuard guard(bank.lock);
  const uint32_t shown = bank.enabled | bank.shown_pending() | bank.shown_active();
  for (uint32_t bits = shown & (bank.is_private() ? ~0xffffu | bank.shown_pending() | bank.shown_active() : ~0u);
       bits != 0; bits &= bits - 1) {
    const auto n = static_cast<unsigned>(std::countr_zero(bits));
    const auto has = [n](uint32_t word) { return (word >> n & 1) != 0; };
    hal::format(out, "  {}: {}{}{}{}{} {} group {} priority {:#x}", bank.number * 32 + n,
                has(bank.enabled) ? "enabled" : "disabled", has(bank.shown_pending()) ? " pending" : "",
                has(bank.shown_active()) ? " active" : "", has(bank.held) ? " listed" : "",
                has(bank.line) ? " line-high" : "", has(bank.edge) ? "edge" : "level", has(bank.group1) ? 1 : 0,
                bank.priority[n]);
    if (bank.is_shared() && shared(bank).target[n] != no_vcpu) hal::format(out, " vcpu {}", shared(bank).target[n]);
    out.put("\n");
  }
}

}  // namespace

void Vgic::describe(hal::TextSink& out) {
  Model& m = model_;
  hal::format(out, "GICv{}: group 0 {}, group 1 {}, {} SPIs\n", static_cast<unsigned>(m.config.version),
              (m.groups() & 1) != 0 ? "on" : "off", (m.groups() & 2) != 0 ? "on" : "off", m.spi_banks.size() * 32);
  for (CpuContext& cpu : m.cpus) {
    hal::format(out, " vcpu {}: work {:#x}, {} list registers used{}, saved VMCR {:#x}\n", cpu.index,
                cpu.work.load(std::memory_order_relaxed), std::popcount(cpu.used), cpu.overflow ? " (overflow)" : "",
                cpu.vmcr);
    describe_bank(out, cpu.bank);
  }
  for (unsigned number = 1; number <= m.spi_banks.size(); ++number) describe_bank(out, m.spi_bank(number));
}

}  // namespace vmm::vgic
