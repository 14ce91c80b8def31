// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/function.hpp"

#include "vmm/pci/bus.hpp"

namespace vmm::pci {

Function::Function(Bus& bus, const Identity& identity) : bus_(bus), slot_(bus.plug(*this)), config_(identity) {}

void Function::has_bar(unsigned index, uint64_t size, BarKind kind) {
  config_space().add_bar(index, size, kind);
  places_[index] = bus_.add_window(*this, index, size);
}

void Function::has_msix(unsigned bar, unsigned vectors) {
  if (!bus_.takes_messages()) return;
  has_bar(bar, MsixTable::bar_size, BarKind::memory_32);
  msix_bar_ = bar;
  msix_.emplace(vectors);
  msix_capability_ = config_.add_capability(CapabilityId::msi_x, msix::capability_size);
  config_.put(msix_capability_ + msix::message_control, 2, vectors - 1);
  config_.allow(msix_capability_ + msix::message_control, 2, msix::enable | msix::function_mask);
  config_.put(msix_capability_ + msix::table, 4, bar);
  config_.put(msix_capability_ + msix::pending, 4, static_cast<uint32_t>(MsixTable::pending_offset) | bar);
}

// --- configuration space ---------------------------------------------------------------------------------------------

uint32_t Function::read_config(unsigned offset, unsigned size) {
  before_config_read(offset, size);
  return peek_config(offset, size);
}

void Function::write_config(unsigned offset, unsigned size, uint32_t value) {
  poke_config(offset, size, value);
  {
    const hal::LockGuard guard(lock_);
    update_windows();
    update_messages();
    update_interrupt();
  }
  after_config_write(offset, size);
}

uint32_t Function::peek_config(unsigned offset, unsigned size) {
  const hal::LockGuard guard(lock_);
  return config_.read(offset, size);
}

void Function::poke_config(unsigned offset, unsigned size, uint32_t value) {
  const hal::LockGuard guard(lock_);
  config_.write(offset, size, value);
}

void Function::reset() {
  power_on();
  const hal::LockGuard guard(lock_);
  config_.reset();
  if (msix_) msix_->reset();
  wants_interrupt_ = messages_on_ = false;
  update_windows();
  update_interrupt();
}

// --- BARs ------------------------------------------------------------------------------------------------------------

void Function::update_windows() {
  const bool on = has_bits(command_bit::memory_space);
  for (unsigned bar = 0; bar < base_addresses; ++bar) {
    if (config_.bar_size(bar) == 0) continue;
    bus_.move_window(places_[bar], on ? std::optional(hal::GuestPhys(config_.bar_address(bar))) : std::nullopt);
  }
}

uint64_t Function::read_bar(unsigned bar, MmioAccess access) {
  if (bar != msix_bar_) return read_memory(bar, access);
  const hal::LockGuard guard(lock_);
  return msix_->read(access);
}

void Function::write_bar(unsigned bar, MmioAccess access, uint64_t value) {
  if (bar != msix_bar_) return write_memory(bar, access, value);
  const hal::LockGuard guard(lock_);
  msix_->write(access, value, *this);
}

// --- interrupts ------------------------------------------------------------------------------------------------------

void Function::update_messages() {
  if (!msix_) return;
  const uint32_t control = config_.read(msix_capability_ + msix::message_control, 2);
  messages_on_ = (control & msix::enable) != 0;
  msix_->control(messages_on_, (control & msix::function_mask) != 0, *this);
}

// Interrupt Status tells what the device wants, also while Interrupt Disable keeps it from the line (7.5.1.1.4).
void Function::update_interrupt() {
  const bool wanted = wants_interrupt_ && !messages_on_;
  const uint32_t others = config_.read(Register::status, 2) & ~uint32_t{status_bit::interrupt};
  config_.put(Register::status, 2, others | (wanted ? status_bit::interrupt : 0));
  bus_.set_line(slot_, wanted && !has_bits(command_bit::interrupt_disable));
}

void Function::set_interrupt(bool level) {
  const hal::LockGuard guard(lock_);
  wants_interrupt_ = level;
  update_interrupt();
}

void Function::send_message(unsigned vector) {
  const hal::LockGuard guard(lock_);
  if (msix_) msix_->raise(vector, *this);
}

bool Function::uses_messages() {
  const hal::LockGuard guard(lock_);
  return messages_on_;
}

bool Function::is_bus_master() {
  const hal::LockGuard guard(lock_);
  return has_bits(command_bit::bus_master);
}

// A message is a write to memory, which takes a bus master.
void Function::send(Message message) {
  if (has_bits(command_bit::bus_master)) bus_.send(slot_, message);
}

}  // namespace vmm::pci
