// SPDX-License-Identifier: Apache-2.0
#include "hal/irq_table.hpp"

#include <algorithm>

namespace hal {

const IrqHandler* IrqTable::handler(Irq irq) const {
  for (const Slot& slot : slots_) {
    if (slot.key.load(std::memory_order_acquire) == key(irq)) return slot.handler.load();
  }
  return nullptr;
}

bool IrqTable::claim(Irq irq, IrqHandler& handler) {
  const LockGuard guard(changes_);
  if (this->handler(irq) != nullptr) return false;
  for (size_t n = 0; n < capacity; ++n) {
    Slot& slot = slots_[n];
    if (slot.key.load(std::memory_order_relaxed) != free_slot) continue;
    // In this order: whoever sees the handler sees the number.
    slot.key.store(key(irq));
    slot.handler.store(&handler);
    used_.store(std::max(used_.load(std::memory_order_relaxed), n + 1), std::memory_order_release);
    return true;
  }
  return false;
}

void IrqTable::release(Irq irq) {
  const LockGuard guard(changes_);
  for (Slot& slot : slots_) {
    if (slot.key.load(std::memory_order_relaxed) != key(irq)) continue;
    // Pairs with serve(): either it finds no handler, or we see that it may be in one.
    slot.handler.store(nullptr);
    while (slot.users.load() != 0) cpu_relax();
    slot.key.store(free_slot);
    return;
  }
}

bool IrqTable::serve(Irq irq) {
  const size_t used = used_.load(std::memory_order_acquire);
  for (size_t n = 0; n < used; ++n) {
    Slot& slot = slots_[n];
    if (slot.key.load(std::memory_order_acquire) != key(irq)) continue;
    slot.users.fetch_add(1);
    IrqHandler* const handler = slot.handler.load();
    // The slot may have gone to another interrupt since.
    const bool ours = handler != nullptr && slot.key.load() == key(irq);
    const bool done = ours && handler->serve(irq);
    slot.users.fetch_sub(1, std::memory_order_release);
    return done;
  }
  return false;
}

IrqTable& device_interrupts() {
  static constinit IrqTable table;
  return table;
}

}  // namespace hal
