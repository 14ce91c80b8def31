// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/bank_registers.hpp"

namespace vmm::vgic {

namespace {

// Pending states of SGIs in version 2 change by GICD_SPENDSGIR and GICD_CPENDSGIR only.
uint32_t pend_writable(const Model& m, const BankRef& ref) {
  return ref.existing() & (ref.owner != nullptr && !m.is_v3() ? 0xffff'0000 : ~0u);
}

// Does the vCPU hold one of these, so that the list registers must be read back first?
void take_back(Model& m, const BankRef& ref, CpuContext& self, uint32_t bits) {
  if (self.loaded && self.used != 0) m.refresh(ref, bits, self, false);
}

}  // namespace

uint32_t BankRegisters::group(Model&, const BankRef& ref, CpuContext&) { return ref.bank.group1; }
uint32_t BankRegisters::enabled(Model&, const BankRef& ref, CpuContext&) { return ref.bank.enabled; }

uint32_t BankRegisters::pending(Model& m, const BankRef& ref, CpuContext& self) {
  m.refresh(ref, ~0u, self, true);
  const hal::LockGuard guard(ref.bank.lock);
  return ref.bank.shown_pending();
}

uint32_t BankRegisters::active(Model& m, const BankRef& ref, CpuContext& self) {
  m.refresh(ref, ~0u, self, true);
  const hal::LockGuard guard(ref.bank.lock);
  return ref.bank.shown_active();
}

void BankRegisters::set_group(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  const uint32_t changed = (value ^ ref.bank.group1) & ref.existing();
  ref.bank.group1 ^= changed;
  m.recall(ref, changed, kicks);
  m.announce(ref, changed, kicks);
}

void BankRegisters::set_enabled(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= ref.existing();
  if (value == 0) return;
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  ref.bank.enabled |= value;
  m.announce(ref, value, kicks);
}

void BankRegisters::clear_enabled(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= ~always_enabled(m, ref);
  if (value == 0) return;
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  ref.bank.enabled &= ~value;
  m.recall(ref, value, kicks);
}

void BankRegisters::set_pending(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= pend_writable(m, ref);
  if (value == 0) return;
  take_back(m, ref, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  ref.bank.latch |= value;
  // Another holder must not take its own pending level, if the guest has acknowledged it, for this one.
  ref.bank.held_pending &= ~(value & ~ref.bank.edge);
  m.recall(ref, value, kicks);
  m.announce(ref, value, kicks);
}

void BankRegisters::clear_pending(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= pend_writable(m, ref);
  if (value == 0) return;
  take_back(m, ref, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  ref.bank.latch &= ~value;
  ref.bank.drop_pending |= value & ref.bank.held;
  m.recall(ref, value, kicks);
}

void BankRegisters::set_active(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= ref.existing();
  if (value == 0) return;
  take_back(m, ref, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  Bank& bank = ref.bank;
  bank.make_active |= value & bank.held;
  bank.drop_active &= ~value;
  m.recall(ref, value, kicks);
  bank.active |= value & ~bank.held;
}

void BankRegisters::clear_active(Model& m, const BankRef& ref, CpuContext& self, uint32_t value) {
  value &= ref.existing();
  if (value == 0) return;
  take_back(m, ref, self, value);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  Bank& bank = ref.bank;
  bank.drop_active |= value & bank.held;
  bank.make_active &= ~value;
  bank.active &= ~(value & ~bank.held);
  bank.taken &= ~(value & ~bank.held);
  m.recall(ref, value, kicks);
  m.announce(ref, value & ~bank.held, kicks);
}

uint32_t BankRegisters::priorities(const BankRef& ref, unsigned first, unsigned count) {
  uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= uint32_t{ref.bank.priority[first + i]} << i * 8;
  return value;
}

void BankRegisters::set_priorities(Model& m, const BankRef& ref, CpuContext& self, unsigned first, unsigned count,
                                   uint32_t value) {
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  uint32_t changed = 0;
  for (unsigned i = 0; i < count; ++i) {
    const uint32_t bit = 1u << (first + i);
    const auto priority = static_cast<uint8_t>(value >> i * 8 & priority_mask);
    if ((bit & ref.existing()) == 0 || ref.bank.priority[first + i] == priority) continue;
    ref.bank.priority[first + i] = priority;
    changed |= bit;
  }
  m.recall(ref, changed, kicks);
  m.announce(ref, changed, kicks);
}

uint32_t BankRegisters::configuration(const BankRef& ref, unsigned first) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 16; ++i) value |= (ref.bank.edge >> (first + i) & 1) << (i * 2 + 1);
  return value;
}

void BankRegisters::set_configuration(Model& m, const BankRef& ref, CpuContext& self, unsigned first, uint32_t value) {
  if (ref.spi == nullptr) return;  // SGIs are edges, our PPIs are levels
  uint32_t edge = 0;
  for (unsigned i = 0; i < 16; ++i) edge |= (value >> (i * 2 + 1) & 1) << (first + i);
  const uint32_t writable = 0xffffu << first & ref.existing();
  // What is pending in a list register would change its meaning on the way back.
  take_back(m, ref, self, (ref.bank.edge ^ edge) & writable);
  Kicks kicks(m.kicker, self.index);
  const hal::LockGuard guard(ref.bank.lock);
  const uint32_t changed = (ref.bank.edge ^ edge) & writable;
  ref.bank.edge ^= changed;
  m.recall(ref, changed, kicks);
  m.announce(ref, changed, kicks);
}

}  // namespace vmm::vgic
