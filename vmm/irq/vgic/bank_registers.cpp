// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/bank_registers.hpp"

namespace vmm::vgic {

namespace {

// Pending states of SGIs in version 2 change by GICD_SPENDSGIR and GICD_CPENDSGIR only.
uint32_t pend_writable(const Model& m, Bank& bank) {
  return bank.existing() & (bank.is_private() && !m.is_v3() ? 0xffff'0000 : ~0u);
}

// Does the vCPU hold one of these, so that the list registers must be read back first?
void take_back(Model& m, Bank& bank, CpuContext& self, uint32_t bits) {
  if (self.loaded && self.used != 0) m.refresh(bank, bits, self, false);
}

// For a read: the truth, also from list registers. What was in them is to be listed again, and after a read nobody else
// says so.
uint32_t find_out(Model& m, Bank& bank, CpuContext& self, uint32_t (Bank::*shown)() const) {
  m.refresh(bank, ~0u, self, true);
  Kicks kicks(m.kicker, Kicks::nobody);
  const hal::LockGuard guard(bank.lock);
  if (self.has_work()) kicks.add(self, 0);
  return (bank.*shown)();
}

}  // namespace

uint32_t BankRegisters::group(Model&, Bank& bank, CpuContext&) {
  const hal::LockGuard guard(bank.lock);
  return bank.group1;
}

uint32_t BankRegisters::enabled(Model&, Bank& bank, CpuContext&) {
  const hal::LockGuard guard(bank.lock);
  return bank.enabled;
}

uint32_t BankRegisters::pending(Model& m, Bank& bank, CpuContext& self) {
  return find_out(m, bank, self, &Bank::shown_pending);
}

uint32_t BankRegisters::active(Model& m, Bank& bank, CpuContext& self) {
  return find_out(m, bank, self, &Bank::shown_active);
}

[[clang::minsize]] void BankRegisters::set_group(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  const uint32_t changed = (value ^ bank.group1) & bank.existing();
  bank.group1 ^= changed;
  m.recall(bank, changed, kicks);
  m.announce(bank, changed, kicks);
}

void BankRegisters::set_enabled(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= bank.existing();
  if (value == 0) return;
  {
    const hal::LockGuard guard(bank.lock);
    bank.enabled |= value;
    value &= bank.ready(m.groups());
  }
  if (value != 0) m.announce_for(self, bank, value);
}

void BankRegisters::clear_enabled(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= ~always_enabled(m, bank);
  if (value == 0) return;
  {
    const hal::LockGuard guard(bank.lock);
    bank.enabled &= ~value;
    value &= bank.held;
  }
  if (value != 0) m.recall_for(self, bank, value);
}

[[clang::minsize]] void BankRegisters::set_pending(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= pend_writable(m, bank);
  if (value == 0) return;
  take_back(m, bank, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  bank.latch |= value;
  // Another holder must not take its own pending level, if the guest has acknowledged it, for this one.
  bank.held_pending &= ~(value & ~bank.edge);
  m.recall(bank, value, kicks);
  m.announce(bank, value, kicks);
}

[[clang::minsize]] void BankRegisters::clear_pending(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= pend_writable(m, bank);
  if (value == 0) return;
  take_back(m, bank, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  bank.latch &= ~value;
  bank.drop_pending |= value & bank.held;
  m.recall(bank, value, kicks);
}

[[clang::minsize]] void BankRegisters::set_active(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= bank.existing();
  if (value == 0) return;
  take_back(m, bank, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  bank.make_active |= value & bank.held;
  bank.drop_active &= ~value;
  m.recall(bank, value, kicks);
  bank.active |= value & ~bank.held;
}

[[clang::minsize]] void BankRegisters::clear_active(Model& m, Bank& bank, CpuContext& self, uint32_t value) {
  value &= bank.existing();
  if (value == 0) return;
  take_back(m, bank, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  bank.drop_active |= value & bank.held;
  bank.make_active &= ~value;
  bank.active &= ~(value & ~bank.held);
  bank.taken &= ~(value & ~bank.held);
  m.recall(bank, value, kicks);
  m.announce(bank, value & ~bank.held, kicks);
  // With it ended, the timer may have nothing left to do with its physical interrupt.
  if (bank.is_private() && (value & m.timer_bit()) != 0) kicks.add(m.cpus[bank.owner], CpuContext::recall);
}

[[clang::minsize]] uint32_t BankRegisters::priorities(Bank& bank, unsigned first, unsigned count) {
  const hal::LockGuard guard(bank.lock);
  uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= uint32_t{bank.priority[first + i]} << i * 8;
  return value;
}

[[clang::minsize]] void BankRegisters::set_priorities(Model& m, Bank& bank, CpuContext& self, unsigned first,
                                                      unsigned count, uint32_t value) {
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  uint32_t changed = 0;
  for (unsigned i = 0; i < count; ++i) {
    const uint32_t bit = 1u << (first + i);
    const auto priority = static_cast<uint8_t>(value >> i * 8 & priority_mask);
    if ((bit & bank.existing()) == 0 || bank.priority[first + i] == priority) continue;
    bank.priority[first + i] = priority;
    changed |= bit;
  }
  m.recall(bank, changed, kicks);
  m.announce(bank, changed, kicks);
}

[[clang::minsize]] uint32_t BankRegisters::configuration(Bank& bank, unsigned first) {
  const hal::LockGuard guard(bank.lock);
  uint32_t value = 0;
  for (unsigned i = 0; i < 16; ++i) value |= (bank.edge >> (first + i) & 1) << (i * 2 + 1);
  return value;
}

[[clang::minsize]] void BankRegisters::set_configuration(Model& m, Bank& bank, CpuContext& self, unsigned first,
                                                         uint32_t value) {
  if (bank.is_private()) return;  // SGIs are edges, our PPIs are levels
  uint32_t edge = 0;
  for (unsigned i = 0; i < 16; ++i) edge |= (value >> (i * 2 + 1) & 1) << (first + i);
  const uint32_t writable = 0xffffu << first & bank.existing();
  // What is pending in a list register would change its meaning on the way back.
  take_back(m, bank, self, writable);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  const uint32_t changed = (bank.edge ^ edge) & writable;
  bank.edge ^= changed;
  m.recall(bank, changed, kicks);
  m.announce(bank, changed, kicks);
}

}  // namespace vmm::vgic
