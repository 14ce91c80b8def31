// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/lock.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"
#include "vmm/pci/function.hpp"

namespace vmm::pci {

inline constexpr unsigned slots = 32;
inline constexpr unsigned intx_lines = 4;

// Where a board has its bus.
struct BusMap {
  hal::GuestPhysRange configuration;  // ECAM: PCI Express Base 5.0, 7.2.2
  hal::GuestPhysRange io;             // where the I/O ports are seen, and the first of them
  uint32_t first_port;
  // Where BARs may be, at the same addresses on the bus; `high`, above 4 GiB, may be empty.
  hal::GuestPhysRange memory;
  hal::GuestPhysRange high;
  VirtualIrq first_line;      // of four inputs, one after the other, that INTA to INTD are spread over
  hal::GuestPhys doorbell;    // where messages go
};

// A VM's PCI bus, number 0: up to 31 devices of one function each, behind the host bridge of QEMU's boards, which is
// itself the function in slot 0. There are no bridges to other buses and no I/O ports.
//
// Windows of BARs move as the guest says. A look-up takes no lock: an access that races with the move of its window hits
// it before or after. Where windows overlap, one of them answers; where none is, reads give ones.
class Bus {
 public:
  // `messages`: null where the board takes none.
  Bus(const BusMap& map, IrqSink& irqs, MsiSink* messages);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  [[nodiscard]] const BusMap& map() const { return map_; }
  // Is there anything but the bridge?
  [[nodiscard]] bool has_devices() const { return plugged_ > 1; }
  [[nodiscard]] bool takes_messages() const { return messages_ != nullptr; }
  // Which of its inputs INTA of a slot leads to: they take turns, so that neighbours do not share one.
  [[nodiscard]] VirtualIrq line(unsigned slot, unsigned pin) const {
    return VirtualIrq{static_cast<uint32_t>(map_.first_line) + (slot + pin) % intx_lines};
  }

  // --- for the host bridge: accesses of vCPUs ---

  [[nodiscard]] uint64_t read_config(unsigned slot, unsigned offset, unsigned size);
  void write_config(unsigned slot, unsigned offset, unsigned size, uint64_t value);
  [[nodiscard]] uint64_t read_memory(hal::GuestPhys place, MmioAccess access);
  void write_memory(hal::GuestPhys place, MmioAccess access, uint64_t value);
  void reset();

  // --- for functions ---

  // While the VM is made. The slot.
  [[nodiscard]] unsigned plug(Function& function);
  [[nodiscard]] unsigned add_window(Function& function, unsigned bar, uint64_t size);
  // Under the function's lock. Nothing, or a place outside of the bridge's windows: nobody finds it.
  void move_window(unsigned window, std::optional<hal::GuestPhys> start);
  void set_line(unsigned slot, bool level);
  void send(unsigned slot, Message message);

 private:
  struct Window {
    static constexpr uint64_t nowhere = ~uint64_t{0};
    std::atomic<uint64_t> start{nowhere};
    uint64_t size = 0;
    Function* function = nullptr;
    unsigned bar = 0;
  };
  static constexpr unsigned max_windows = 2 * slots;
  class RootFunction final : public Function {
   public:
    explicit RootFunction(Bus& bus);
  };

  [[nodiscard]] Function* answering(unsigned slot, unsigned offset, unsigned size) const;
  // The window that holds `place`, which is then `offset` into it.
  [[nodiscard]] Window* find(hal::GuestPhys place, uint64_t& offset);

  const BusMap map_;
  IrqSink& irqs_;
  MsiSink* const messages_;
  unsigned plugged_ = 0;
  unsigned window_count_ = 0;
  std::array<Function*, slots> functions_{};
  std::array<Window, max_windows> windows_;
  hal::SpinLock lines_lock_{hal::LockRank::pci_lines};
  std::array<uint32_t, intx_lines> asserted_ PLINTH_GUARDED_BY(lines_lock_){};  // a bit for each slot
  RootFunction root_;
};

}  // namespace vmm::pci
