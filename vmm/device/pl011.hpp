// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "hal/base/lock.hpp"
#include "vmm/device/console_port.hpp"
#include "vmm/device/fifo.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// Arm PrimeCell UART PL011 (Arm DDI 0183), with the identification of QEMU's `virt` board (16-byte FIFOs).
//
//     guest --DR--> tx FIFO --> ConsolePort::transmit()        LBE: tx FIFO --> rx FIFO
//     guest <--DR-- rx FIFO <-- receive()
//
// The line has no speed: a byte leaves as soon as the port takes it, and the receive timeout (32 bit periods of
// silence) is over the moment a batch of received bytes ends. As on QEMU's board, data moves even while UARTCR leaves
// the UART disabled, because small guests rely on it; and no modem is attached.
//
// All registers take byte, halfword, word and doubleword accesses. Thread-safe; one lock of rank `device`, under which
// the port and the interrupt controller are called.
class Pl011 final : public MmioDevice {
 public:
  static constexpr uint64_t window_size = 0x1000;

  Pl011(hal::GuestPhys base, IrqLine line, ConsolePort& port);

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override;

  // Bytes typed for the guest. Takes as many as the receive FIFO has room for and says how many; the port's
  // receive_ready() tells when to offer the rest. The caller holds no lock of rank `device` or above.
  size_t receive(std::span<const uint8_t> bytes);
  // The line was held in the spacing state for longer than a character. False: offer it again, as with receive().
  [[nodiscard]] bool receive_break();
  // The port can take bytes again after can_transmit() said no. Same locking as receive().
  void transmit_ready();

 private:
  static constexpr unsigned fifo_depth = 16;

  [[gnu::noinline]] uint64_t read_locked(MmioAccess access);
  uint32_t read_register(uint32_t offset) PLINTH_REQUIRES(lock_);
  void write_register(uint32_t offset, uint32_t value) PLINTH_REQUIRES(lock_);
  uint32_t read_data() PLINTH_REQUIRES(lock_);
  void write_data(uint8_t byte) PLINTH_REQUIRES(lock_);
  void write_line_control(uint32_t value) PLINTH_REQUIRES(lock_);
  void write_control(uint32_t value) PLINTH_REQUIRES(lock_);
  void write_fifo_levels(uint32_t value) PLINTH_REQUIRES(lock_);
  void drain() PLINTH_REQUIRES(lock_);
  void push_received(uint16_t entry) PLINTH_REQUIRES(lock_);
  void end_of_batch() PLINTH_REQUIRES(lock_);
  void insist() PLINTH_REQUIRES(lock_);
  void offer_room() PLINTH_REQUIRES(lock_);
  void update_modem_inputs() PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint32_t flags() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] unsigned depth() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] unsigned receive_trigger() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] unsigned transmit_trigger() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool loopback() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool fifos_enabled() const PLINTH_REQUIRES(lock_);
  void power_on() PLINTH_REQUIRES(lock_);

  const IrqLine line_;
  ConsolePort& port_;
  hal::SpinLock lock_{hal::LockRank::device};
  // UARTFR as it would read now: a guest polls it before each byte, so that read takes no lock.
  std::atomic<uint32_t> flags_{0};
  Fifo<uint8_t, fifo_depth> tx_ PLINTH_GUARDED_BY(lock_);
  Fifo<uint16_t, fifo_depth> rx_ PLINTH_GUARDED_BY(lock_);  // data and error bits as UARTDR has them
  uint32_t control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t line_control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t raw_interrupts_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t interrupt_mask_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t fifo_levels_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t modem_inputs_ PLINTH_GUARDED_BY(lock_) = 0;
  uint16_t integer_baud_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t fractional_baud_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t irda_divisor_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t dma_control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t receive_status_ PLINTH_GUARDED_BY(lock_) = 0;
  bool overrun_ PLINTH_GUARDED_BY(lock_) = false;          // the next received entry reports it
  bool receive_refused_ PLINTH_GUARDED_BY(lock_) = false;  // somebody waits for receive_ready()
  bool level_ PLINTH_GUARDED_BY(lock_) = false;            // the interrupt line as last driven
};

}  // namespace vmm
