// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/pl011.hpp"

#include "hal/mmio.hpp"

namespace hal::driver {
namespace {

// DDI 0183 table 3-1.
enum Register : uint64_t { dr = 0x00, fr = 0x18, lcr_h = 0x2c, cr = 0x30, imsc = 0x38, icr = 0x44 };

// UARTDR, 3.3.1: error flags beside the character. An overrun says that a later character was lost; this one is good.
constexpr uint32_t dr_damaged = 1U << 8 | 1U << 9 | 1U << 10;  // framing, parity, break

// UARTFR, 3.3.3.
constexpr uint32_t fr_rx_empty = 1U << 4;
constexpr uint32_t fr_tx_full = 1U << 5;

// UARTLCR_H, 3.3.7.
constexpr uint32_t lcr_fifos = 1U << 4;

// UARTCR, 3.3.8.
constexpr uint32_t cr_enabled = 1U << 0 | 1U << 8 | 1U << 9;  // UART, transmitter, receiver

// UARTIMSC and UARTICR, 3.3.10 and 3.3.13.
constexpr uint32_t irq_receive = 1U << 4 | 1U << 6;  // FIFO at its trigger level; or something in it, and silence
constexpr uint32_t irq_transmit = 1U << 5;
constexpr uint32_t irq_all = 0x7ff;

}  // namespace

Pl011::Pl011(HostVirt registers) : registers_(registers) {
  mmio_write32(registers_ + imsc, 0);
  mmio_write32(registers_ + icr, irq_all);
  // Writing UARTLCR_H flushes nothing while the FIFOs are on, and latches the speed that is set already (3.3.7).
  const uint32_t line = mmio_read32(registers_ + lcr_h);
  if ((line & lcr_fifos) == 0) mmio_write32(registers_ + lcr_h, line | lcr_fifos);
  const uint32_t control = mmio_read32(registers_ + cr);
  if ((control & cr_enabled) != cr_enabled) mmio_write32(registers_ + cr, control | cr_enabled);
}

size_t Pl011::write(std::span<const uint8_t> bytes) {
  size_t sent = 0;
  while (sent < bytes.size() && (mmio_read32(registers_ + fr) & fr_tx_full) == 0) {
    mmio_write32(registers_ + dr, bytes[sent++]);
  }
  return sent;
}

size_t Pl011::read(std::span<uint8_t> bytes) {
  size_t received = 0;
  while (received < bytes.size() && (mmio_read32(registers_ + fr) & fr_rx_empty) == 0) {
    const uint32_t entry = mmio_read32(registers_ + dr);
    if ((entry & dr_damaged) == 0) bytes[received++] = static_cast<uint8_t>(entry);
  }
  return received;
}

void Pl011::set_receive_interrupt(bool on) { set_interrupts(irq_receive, on); }

// The transmit interrupt is raised when the FIFO falls to its trigger level and stays until it is filled above, or
// cleared, which we never do (2.8.2): it is as good as a level.
void Pl011::set_transmit_interrupt(bool on) { set_interrupts(irq_transmit, on); }

void Pl011::set_interrupts(uint32_t bits, bool on) {
  const uint32_t wanted = on ? interrupts_ | bits : interrupts_ & ~bits;
  if (wanted == interrupts_) return;
  interrupts_ = wanted;
  mmio_write32(registers_ + imsc, interrupts_);
}

}  // namespace hal::driver
