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

// The 16550A UART (National Semiconductor PC16550D), registers of a byte side by side, as on QEMU's LoongArch board.
//
//     guest --THR--> tx FIFO --> ConsolePort::transmit()        loopback: tx FIFO --> rx FIFO
//     guest <--RBR-- rx FIFO <-- receive()
//
// The line has no speed: a byte leaves as soon as the port takes it, and the receive timeout (four characters of
// silence) is over the moment a batch of received bytes ends. A terminal is attached: DCD, DSR and CTS are on.
//
// Accesses of more than a byte reach the register at their address. Thread-safe; one lock of rank `device`, under which
// the port and the interrupt controller are called.
class Ns16550 final : public MmioDevice {
 public:
  static constexpr uint64_t window_size = 0x100;

  Ns16550(hal::GuestPhys base, IrqLine line, ConsolePort& port);

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override;

  // As Pl011's.
  size_t receive(std::span<const uint8_t> bytes);
  [[nodiscard]] bool receive_break();
  void transmit_ready();

 private:
  static constexpr unsigned fifo_depth = 16;

  [[gnu::noinline]] uint8_t read_locked(uint32_t offset);
  uint8_t read_register(uint32_t offset) PLINTH_REQUIRES(lock_);
  void write_register(uint32_t offset, uint8_t value) PLINTH_REQUIRES(lock_);
  uint8_t read_data() PLINTH_REQUIRES(lock_);
  void write_data(uint8_t byte) PLINTH_REQUIRES(lock_);
  void write_interrupt_enable(uint8_t value) PLINTH_REQUIRES(lock_);
  void write_fifo_control(uint8_t value) PLINTH_REQUIRES(lock_);
  void write_modem_control(uint8_t value) PLINTH_REQUIRES(lock_);
  void drain() PLINTH_REQUIRES(lock_);
  void push_received(uint16_t entry) PLINTH_REQUIRES(lock_);
  void reveal() PLINTH_REQUIRES(lock_);
  void offer_room() PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint8_t interrupt() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint8_t line_status() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint8_t modem_inputs() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool fifos_enabled() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool loopback() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] unsigned depth() const PLINTH_REQUIRES(lock_) { return fifos_enabled() ? fifo_depth : 1; }
  [[nodiscard]] unsigned receive_trigger() const PLINTH_REQUIRES(lock_);
  void power_on() PLINTH_REQUIRES(lock_);

  const IrqLine line_;
  ConsolePort& port_;
  hal::SpinLock lock_{hal::LockRank::device};
  // LSR as it would read now: a guest polls it before each byte, so that read takes no lock where it changes nothing.
  std::atomic<uint8_t> status_{0};
  Fifo<uint8_t, fifo_depth> tx_ PLINTH_GUARDED_BY(lock_);
  Fifo<uint16_t, fifo_depth> rx_ PLINTH_GUARDED_BY(lock_);  // a byte, and from bit 8 on what LSR says when it is its turn
  uint16_t divisor_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t interrupt_enable_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t fifo_control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t line_control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t modem_control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint8_t modem_changes_ PLINTH_GUARDED_BY(lock_) = 0;  // bits 3 to 0 of MSR
  uint8_t errors_ PLINTH_GUARDED_BY(lock_) = 0;         // of LSR, until it is read
  uint8_t damaged_ PLINTH_GUARDED_BY(lock_) = 0;        // entries of rx_ with such errors
  uint8_t scratch_ PLINTH_GUARDED_BY(lock_) = 0;
  bool transmit_empty_ PLINTH_GUARDED_BY(lock_) = false;  // its interrupt is pending
  bool timed_out_ PLINTH_GUARDED_BY(lock_) = false;
  bool receive_refused_ PLINTH_GUARDED_BY(lock_) = false;  // somebody waits for receive_ready()
  bool level_ PLINTH_GUARDED_BY(lock_) = false;            // the interrupt line as last driven
};

}  // namespace vmm
