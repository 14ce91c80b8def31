// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/ns16550.hpp"

#include <algorithm>

#include "hal/mmio.hpp"

namespace hal::driver {
namespace {

// PC16550D table 2, with DLAB = 0.
enum Register : unsigned { data = 0, ier = 1, iir_fcr = 2, lcr = 3, mcr = 4, lsr = 5 };

constexpr unsigned ier_receive = 1U << 0;
constexpr unsigned ier_transmit = 1U << 1;

constexpr unsigned fcr_fifos = 1U << 0;
constexpr unsigned iir_fifos = 3U << 6;  // both bits set: the FIFOs exist and work

constexpr unsigned lcr_divisor_latch = 1U << 7;

// DTR, RTS, and OUT2, which gates the interrupt on PC-like boards.
constexpr unsigned mcr_on = 1U << 0 | 1U << 1 | 1U << 3;

constexpr unsigned lsr_ready = 1U << 0;
constexpr unsigned lsr_damaged = 1U << 2 | 1U << 3 | 1U << 4;  // parity, framing, break
constexpr unsigned lsr_holding_empty = 1U << 5;

}  // namespace

Ns16550::Ns16550(HostVirt registers, unsigned register_shift) : registers_(registers), register_shift_(register_shift) {
  set(lcr, get(lcr) & ~lcr_divisor_latch);
  set(ier, 0);
  set(iir_fcr, fcr_fifos);
  set(mcr, get(mcr) | mcr_on);
  if ((get(iir_fcr) & iir_fifos) == iir_fifos) fifo_depth_ = 16;
}

uint8_t Ns16550::get(unsigned index) const { return mmio_read8(registers_ + (uint64_t{index} << register_shift_)); }

void Ns16550::set(unsigned index, unsigned value) const {
  mmio_write8(registers_ + (uint64_t{index} << register_shift_), static_cast<uint8_t>(value));
}

// THRE says that the whole FIFO is empty (8.4): there is no flag for "not full".
size_t Ns16550::write(std::span<const uint8_t> bytes) {
  size_t sent = 0;
  while (sent < bytes.size() && (get(lsr) & lsr_holding_empty) != 0) {
    for (const uint8_t byte : bytes.subspan(sent, std::min<size_t>(fifo_depth_, bytes.size() - sent))) {
      set(data, byte);
      ++sent;
    }
  }
  return sent;
}

size_t Ns16550::read(std::span<uint8_t> bytes) {
  size_t received = 0;
  while (received < bytes.size()) {
    const unsigned status = get(lsr);
    if ((status & lsr_ready) == 0) break;
    const uint8_t byte = get(data);
    if ((status & lsr_damaged) == 0) bytes[received++] = byte;
  }
  return received;
}

void Ns16550::set_receive_interrupt(bool on) { set_interrupts(ier_receive, on); }
void Ns16550::set_transmit_interrupt(bool on) { set_interrupts(ier_transmit, on); }

void Ns16550::set_interrupts(unsigned bits, bool on) {
  const unsigned wanted = on ? interrupts_ | bits : interrupts_ & ~bits;
  if (wanted == interrupts_) return;
  interrupts_ = wanted;
  set(ier, interrupts_);
}

}  // namespace hal::driver
