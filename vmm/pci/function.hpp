// SPDX-License-Identifier: Apache-2.0
// Lock order: a device's own lock (rank `device`), then its function's (`pci_function`), then the bus' lines
// (`pci_lines`), then interrupt controllers. So a device may raise interrupts under its lock, and nothing here calls a
// device with a lock held.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hal/base/lock.hpp"
#include "vmm/mmio.hpp"
#include "vmm/pci/config_space.hpp"
#include "vmm/pci/msix_table.hpp"

namespace vmm::pci {

class Bus;

// A PCI function with a header of type 0, the only one of its device: configuration space, BARs, INTA and MSI-X. What is
// behind its BARs is a class derived from it. Made once, on its bus; constant in kind after that.
//
// Calls come from the exit paths of several vCPUs at once.
class Function : private MessagePort {
 public:
  // Takes the next free slot of `bus`; the configuration sees to it that there is one.
  Function(Bus& bus, const Identity& identity);
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  [[nodiscard]] unsigned slot() const { return slot_; }

  // --- for the bus ---

  // 1, 2 or 4 bytes, aligned to that, inside config_size.
  [[nodiscard]] uint32_t read_config(unsigned offset, unsigned size);
  void write_config(unsigned offset, unsigned size, uint32_t value);
  // An access that hit a BAR; offsets count from its start.
  [[nodiscard]] uint64_t read_bar(unsigned bar, MmioAccess access);
  void write_bar(unsigned bar, MmioAccess access, uint64_t value);
  // Power-on. No vCPU runs.
  void reset();

 protected:
  ~Function() = default;

  // --- for constructors ---

  void has_bar(unsigned index, uint64_t size, BarKind kind);
  // MSI-X with its table in this BAR. Left out where the board takes no messages.
  void has_msix(unsigned bar, unsigned vectors) PLINTH_NO_THREAD_SAFETY;
  [[nodiscard]] ConfigSpace& config_space() PLINTH_NO_THREAD_SAFETY { return config_; }

  // --- for the device behind it, which may hold its lock ---

  // INTA: what the device wants; it is silent while MSI-X is enabled or software disabled it.
  void set_interrupt(bool level);
  // Lost while MSI-X is off.
  void send_message(unsigned vector);
  [[nodiscard]] bool has_messages() const { return msix_bar_ < base_addresses; }
  [[nodiscard]] bool uses_messages();
  // May it reach memory?
  [[nodiscard]] bool is_bus_master();

  // --- what the device adds; no lock is held ---

  virtual uint64_t read_memory(unsigned /*bar*/, MmioAccess /*access*/) { return absent; }
  virtual void write_memory(unsigned /*bar*/, MmioAccess /*access*/, uint64_t /*value*/) {}
  // The device is back to its state after power-on; no vCPU runs.
  virtual void power_on() {}
  // Before configuration space is read, and after it was written.
  virtual void before_config_read(unsigned /*offset*/, unsigned /*size*/) {}
  virtual void after_config_write(unsigned /*offset*/, unsigned /*size*/) {}
  [[nodiscard]] uint32_t peek_config(unsigned offset, unsigned size);
  void poke_config(unsigned offset, unsigned size, uint32_t value);

 private:
  // From the table: under the lock.
  void send(Message message) override PLINTH_NO_THREAD_SAFETY;
  void update_interrupt() PLINTH_REQUIRES(lock_);
  void update_windows() PLINTH_REQUIRES(lock_);
  void update_messages() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool has_bits(uint16_t command) PLINTH_REQUIRES(lock_) { return (config_.command() & command) != 0; }

  Bus& bus_;
  const unsigned slot_;
  hal::SpinLock lock_{hal::LockRank::pci_function};
  ConfigSpace config_ PLINTH_GUARDED_BY(lock_);
  bool wants_interrupt_ PLINTH_GUARDED_BY(lock_) = false;
  bool messages_on_ PLINTH_GUARDED_BY(lock_) = false;
  std::optional<MsixTable> msix_ PLINTH_GUARDED_BY(lock_);
  unsigned msix_bar_ = base_addresses;         // constant after construction
  unsigned msix_capability_ = 0;               // the same
  std::array<unsigned, base_addresses> places_{};  // of the BARs, on the bus; the same
};

}  // namespace vmm::pci
