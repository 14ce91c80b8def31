// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/bus.hpp"

#include <span>

#include "hal/base/bits.hpp"
#include "hal/base/panic.hpp"

namespace vmm::pci {

// QEMU's generic bridge (docs/specs/pci-ids in its sources), as guests of its boards find it.
Bus::RootFunction::RootFunction(Bus& bus)
    : Function(bus, {.vendor = 0x1b36,
                     .device = 0x0008,
                     .subsystem_vendor = 0x1af4,
                     .subsystem = 0x1100,
                     .class_code = 0x06'0000,
                     .interrupts = false}) {}

Bus::Bus(const BusMap& map, IrqSink& irqs, MsiSink* messages)
    : map_(map), irqs_(irqs), messages_(messages), root_(*this) {}

// --- while the VM is made --------------------------------------------------------------------------------------------

unsigned Bus::plug(Function& function) {
  if (plugged_ == slots) hal::panic("more PCI functions than slots");
  functions_[plugged_] = &function;
  return plugged_++;
}

unsigned Bus::add_window(Function& function, unsigned bar, uint64_t size) {
  if (window_count_ == max_windows) hal::panic("more BARs than there is room for");
  Window& window = windows_[window_count_];
  window.size = size;
  window.function = &function;
  window.bar = bar;
  return window_count_++;
}

// --- accesses --------------------------------------------------------------------------------------------------------

Function* Bus::answering(unsigned slot, unsigned offset, unsigned size) const {
  return slot < plugged_ && offset < config_size && size <= 4 ? functions_[slot] : nullptr;
}

uint64_t Bus::read_config(unsigned slot, unsigned offset, unsigned size) {
  Function* const function = answering(slot, offset, size);
  return function == nullptr ? absent : function->read_config(offset, size);
}

void Bus::write_config(unsigned slot, unsigned offset, unsigned size, uint64_t value) {
  if (Function* const function = answering(slot, offset, size)) {
    function->write_config(offset, size, static_cast<uint32_t>(value));
  }
}

Bus::Window* Bus::find(hal::GuestPhys place, uint64_t& offset) {
  for (Window& window : std::span(windows_).first(window_count_)) {
    const uint64_t start = window.start.load(std::memory_order_relaxed);
    offset = place.value() - start;
    if (start != Window::nowhere && offset < window.size) return &window;
  }
  return nullptr;
}

uint64_t Bus::read_memory(hal::GuestPhys place, MmioAccess access) {
  Window* const window = find(place, access.offset);
  return window == nullptr ? absent : window->function->read_bar(window->bar, access);
}

void Bus::write_memory(hal::GuestPhys place, MmioAccess access, uint64_t value) {
  if (Window* const window = find(place, access.offset)) window->function->write_bar(window->bar, access, value);
}

void Bus::reset() {
  for (Function* const function : std::span(functions_).first(plugged_)) function->reset();
}

// --- what functions do -----------------------------------------------------------------------------------------------

void Bus::move_window(unsigned index, std::optional<hal::GuestPhys> start) {
  Window& window = windows_[index];
  const auto is_inside = [&](hal::GuestPhysRange bridge) {
    return hal::GuestPhysRange::fits(*start, window.size) && bridge.contains(hal::GuestPhysRange{*start, window.size});
  };
  const bool decodes = start && (is_inside(map_.memory) || is_inside(map_.high));
  window.start.store(decodes ? start->value() : Window::nowhere, std::memory_order_relaxed);
}

void Bus::set_line(unsigned slot, bool level) {
  const VirtualIrq irq = line(slot, 0);
  const hal::LockGuard guard(lines_lock_);
  uint32_t& slots_of_line = asserted_[slot % intx_lines];
  const uint32_t before = slots_of_line;
  const auto bit = static_cast<uint32_t>(hal::bit(slot));
  slots_of_line = level ? before | bit : before & ~bit;
  if ((before != 0) != (slots_of_line != 0)) irqs_.set_level(irq, slots_of_line != 0);
}

// A message to any other place is a write that nobody here takes.
void Bus::send(unsigned slot, Message message) {
  constexpr unsigned functions_per_device = 8;
  if (messages_ == nullptr || message.address != map_.doorbell) return;
  messages_->send_msi(slot * functions_per_device, message.data);
}

}  // namespace vmm::pci
