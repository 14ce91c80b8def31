// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/lock.hpp"
#include "hal/irq.hpp"

namespace hal {

// Who serves an interrupt of one of the machine's devices. It lives as long as it is in the table.
class IrqHandler {
 public:
  explicit constexpr IrqHandler(std::string_view owner) : owner_(owner) {}
  // On the CPU that took it, interrupts masked, no lock held. True: it is done with; false: it stays active, and with
  // it silent, until whoever it was handed to deactivates it.
  [[nodiscard]] virtual bool serve(Irq irq) = 0;
  // Whose it is, for messages.
  [[nodiscard]] std::string_view owner() const { return owner_; }

 protected:
  ~IrqHandler() = default;

 private:
  std::string_view owner_;
};

// Which handler has which of the machine's device interrupts: at most one each. Any CPU; serve() takes no lock.
class IrqTable {
 public:
  // Far more than a machine has devices that are served here or handed to guests.
  static constexpr size_t capacity = 64;

  // Where there is none, null. Its owner() says whose the interrupt is.
  [[nodiscard]] const IrqHandler* handler(Irq irq) const;
  // False: the interrupt has a handler, or the table is full. The caller enables it when it has it.
  [[nodiscard]] bool claim(Irq irq, IrqHandler& handler);
  // The interrupt is disabled. When this returns, no CPU is in its handler, nor will be. Not from a handler.
  void release(Irq irq);

  // What upcall::device_interrupt() says. One that nobody has stays active.
  [[nodiscard]] bool serve(Irq irq);

 private:
  // A slot is told by the interrupt's number plus one: a table of free ones is zero, and takes no room in the image.
  static constexpr uint32_t free_slot = 0;
  static constexpr uint32_t key(Irq irq) { return static_cast<uint32_t>(irq) + 1; }
  struct Slot {
    std::atomic<uint32_t> key{free_slot};
    std::atomic<IrqHandler*> handler{nullptr};
    std::atomic<uint32_t> users{0};  // CPUs that may be in the handler
  };

  SpinLock changes_{LockRank::none};
  std::atomic<size_t> used_{0};  // slots that ever had an interrupt are before this
  std::array<Slot, capacity> slots_;
};

// The machine's.
[[nodiscard]] IrqTable& device_interrupts();

}  // namespace hal
