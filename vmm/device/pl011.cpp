// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl011.hpp"

#include <algorithm>
#include <array>

#include "hal/base/bits.hpp"
#include "vmm/device/primecell.hpp"
#include "vmm/lanes.hpp"

namespace vmm {

namespace {

// DDI 0183 table 3-1.
enum Register : uint32_t {
  uart_dr = 0x00,
  uart_rsr_ecr = 0x04,
  uart_fr = 0x18,
  uart_ilpr = 0x20,
  uart_ibrd = 0x24,
  uart_fbrd = 0x28,
  uart_lcr_h = 0x2c,
  uart_cr = 0x30,
  uart_ifls = 0x34,
  uart_imsc = 0x38,
  uart_ris = 0x3c,
  uart_mis = 0x40,
  uart_icr = 0x44,
  uart_dmacr = 0x48,
};

// UARTDR, 3.3.1: what the FIFO keeps beside a character.
constexpr uint16_t dr_break_error = 1U << 10;
constexpr uint16_t dr_overrun_error = 1U << 11;
constexpr unsigned dr_error_shift = 8;  // UARTRSR has the same four bits from bit 0
constexpr uint8_t rsr_overrun = 1U << 3;

// UARTFR, 3.3.3. The modem inputs CTS, DSR, DCD and RI are bits 0, 1, 2 and 8.
constexpr uint32_t fr_cts = 1U << 0;
constexpr uint32_t fr_dsr = 1U << 1;
constexpr uint32_t fr_dcd = 1U << 2;
constexpr uint32_t fr_busy = 1U << 3;
constexpr uint32_t fr_rx_empty = 1U << 4;
constexpr uint32_t fr_tx_full = 1U << 5;
constexpr uint32_t fr_rx_full = 1U << 6;
constexpr uint32_t fr_tx_empty = 1U << 7;
constexpr uint32_t fr_ri = 1U << 8;

// UARTLCR_H, 3.3.7.
constexpr uint32_t lcr_fifos_enabled = 1U << 4;
constexpr uint32_t lcr_mask = 0xff;

// UARTCR, 3.3.8.
constexpr uint32_t cr_loopback = 1U << 7;
constexpr uint32_t cr_tx_enable = 1U << 8;
constexpr uint32_t cr_rx_enable = 1U << 9;
constexpr uint32_t cr_dtr = 1U << 10;
constexpr uint32_t cr_rts = 1U << 11;
constexpr uint32_t cr_out1 = 1U << 12;
constexpr uint32_t cr_out2 = 1U << 13;
constexpr uint32_t cr_mask = 0xff87;

// UARTIFLS, 3.3.9: both triggers at half full after reset.
using ifls_tx = hal::Field<2, 0, uint32_t>;
using ifls_rx = hal::Field<5, 3, uint32_t>;
constexpr uint32_t ifls_reset = 0x12;
constexpr uint32_t ifls_mask = 0x3f;

// UARTIMSC, UARTRIS, UARTMIS, UARTICR: 3.3.10 to 3.3.13.
constexpr uint32_t irq_ri = 1U << 0;
constexpr uint32_t irq_cts = 1U << 1;
constexpr uint32_t irq_dcd = 1U << 2;
constexpr uint32_t irq_dsr = 1U << 3;
constexpr uint32_t irq_rx = 1U << 4;
constexpr uint32_t irq_tx = 1U << 5;
constexpr uint32_t irq_rx_timeout = 1U << 6;
constexpr uint32_t irq_break = 1U << 9;
constexpr uint32_t irq_overrun = 1U << 10;
constexpr uint32_t irq_mask = 0x7ff;

constexpr uint32_t dmacr_mask = 0x7;
constexpr uint32_t fbrd_mask = 0x3f;

// Revision r1p1 of QEMU's boards: guests conclude from it that the FIFOs have 16 entries (32 from r1p5 on).
constexpr PrimeCellId identification{.part = 0x011, .revision = 1};

// Entries at which 1/8, 1/4, 1/2, 3/4 and 7/8 of a FIFO are in use; the other encodings are reserved.
constexpr std::array<uint8_t, 8> trigger_levels{2, 4, 8, 12, 14, 14, 14, 14};

}  // namespace

Pl011::Pl011(hal::GuestPhys base, IrqLine line, ConsolePort& port)
    : MmioDevice("pl011", {base, window_size}), line_(line), port_(port) {
  power_on();
}

void Pl011::power_on() {
  tx_.clear();
  rx_.clear();
  control_ = cr_tx_enable | cr_rx_enable;
  line_control_ = 0;
  raw_interrupts_ = interrupt_mask_ = 0;
  fifo_levels_ = ifls_reset;
  modem_inputs_ = 0;
  integer_baud_ = 0;
  fractional_baud_ = irda_divisor_ = dma_control_ = receive_status_ = 0;
  overrun_ = false;
  flags_.store(flags(), std::memory_order_relaxed);
}

void Pl011::reset() {
  const hal::LockGuard guard(lock_);
  power_on();
  update();
  offer_room();
}

uint64_t Pl011::read(MmioAccess access) {
  if (access.offset == uart_fr) {
    const uint32_t now = flags_.load(std::memory_order_relaxed);
    if ((now & fr_busy) == 0) return now;
  }
  return read_locked(access);
}

uint64_t Pl011::read_locked(MmioAccess access) {
  const hal::LockGuard guard(lock_);
  const Lanes lanes(access);
  return lanes.join(read_register(lanes.word()), lanes.has_second() ? read_register(lanes.word() + 4) : 0);
}

void Pl011::write(MmioAccess access, uint64_t value) {
  const hal::LockGuard guard(lock_);
  for (const auto [offset, word] : WholeWords(access, value)) write_register(offset, word);
}

uint32_t Pl011::read_register(uint32_t offset) {
  switch (offset) {
    case uart_dr: return read_data();
    case uart_rsr_ecr: return receive_status_;
    case uart_fr:
      drain();
      update();
      return flags();
    case uart_ilpr: return irda_divisor_;
    case uart_ibrd: return integer_baud_;
    case uart_fbrd: return fractional_baud_;
    case uart_lcr_h: return line_control_;
    case uart_cr: return control_;
    case uart_ifls: return fifo_levels_;
    case uart_imsc: return interrupt_mask_;
    case uart_ris: return raw_interrupts_;
    case uart_mis: return raw_interrupts_ & interrupt_mask_;
    case uart_dmacr: return dma_control_;
    default: return identification.read(offset);
  }
}

void Pl011::write_register(uint32_t offset, uint32_t value) {
  switch (offset) {
    case uart_dr: write_data(static_cast<uint8_t>(value)); break;
    case uart_rsr_ecr: receive_status_ = 0; break;
    case uart_ilpr: irda_divisor_ = static_cast<uint8_t>(value); break;
    case uart_ibrd: integer_baud_ = static_cast<uint16_t>(value); break;
    case uart_fbrd: fractional_baud_ = static_cast<uint8_t>(value & fbrd_mask); break;
    case uart_lcr_h: write_line_control(value & lcr_mask); break;
    case uart_cr: write_control(value & cr_mask); break;
    case uart_ifls: write_fifo_levels(value & ifls_mask); break;
    case uart_imsc: interrupt_mask_ = value & irq_mask; break;
    case uart_icr:
      raw_interrupts_ &= ~value;
      insist();
      break;
    case uart_dmacr: dma_control_ = static_cast<uint8_t>(value & dmacr_mask); break;
    default: return;
  }
  update();
}

uint32_t Pl011::read_data() {
  if (rx_.count == 0) return 0;
  const uint16_t entry = rx_.pop();
  // An overrun stays in UARTRSR until it is cleared there (3.3.2); the rest is about the character just read.
  receive_status_ = static_cast<uint8_t>((receive_status_ & rsr_overrun) | (entry >> dr_error_shift));
  if (rx_.count < receive_trigger()) raw_interrupts_ &= ~irq_rx;
  end_of_batch();
  update();
  offer_room();
  return entry;
}

void Pl011::write_data(uint8_t byte) {
  if (tx_.count >= depth()) return;
  tx_.push(byte);
  if (tx_.count > transmit_trigger()) raw_interrupts_ &= ~irq_tx;
  drain();
}

// Setting or clearing FEN empties both FIFOs (3.3.7).
void Pl011::write_line_control(uint32_t value) {
  const bool flush = ((line_control_ ^ value) & lcr_fifos_enabled) != 0;
  line_control_ = value;
  if (!flush) return;
  tx_.clear();
  rx_.clear();
  raw_interrupts_ &= ~(irq_rx | irq_rx_timeout);
  offer_room();
}

void Pl011::write_control(uint32_t value) {
  control_ = value;
  update_modem_inputs();
  drain();
  if (!loopback()) offer_room();
}

// The receive interrupt comes from the FIFO passing its trigger, and here the trigger passes the FIFO.
void Pl011::write_fifo_levels(uint32_t value) {
  const bool was_below = rx_.count < receive_trigger();
  fifo_levels_ = value;
  const bool is_below = rx_.count < receive_trigger();
  if (is_below) raw_interrupts_ &= ~irq_rx;
  if (was_below && !is_below) raw_interrupts_ |= irq_rx;
}

// The transmit interrupt is an edge: something left the FIFO and what remains is at or below the trigger (2.8.2).
void Pl011::drain() {
  bool sent = false;
  for (; tx_.count != 0; sent = true) {
    if (loopback()) {
      push_received(tx_.pop());
      continue;
    }
    if (!port_.can_transmit()) break;
    port_.transmit(tx_.pop());
  }
  if (!sent) return;
  if (tx_.count <= transmit_trigger()) raw_interrupts_ |= irq_tx;
  if (loopback()) end_of_batch();
}

void Pl011::push_received(uint16_t entry) {
  if (rx_.count >= depth()) {
    overrun_ = true;
    receive_status_ |= rsr_overrun;
    raw_interrupts_ |= irq_overrun;
    return;
  }
  if (overrun_) entry |= dr_overrun_error;
  overrun_ = false;
  rx_.push(entry);
  if (rx_.count >= receive_trigger()) raw_interrupts_ |= irq_rx;
}

// Nothing more comes for now: what waits in the FIFO has timed out.
void Pl011::end_of_batch() {
  if (rx_.count != 0) {
    raw_interrupts_ |= irq_rx_timeout;
  } else {
    raw_interrupts_ &= ~irq_rx_timeout;
  }
}

// What waits on the line behind a full FIFO would raise the interrupt as it came in. A guest that clears it before it
// reads, or reads nothing when it is raised, hears of it again.
void Pl011::insist() {
  if (receive_refused_ && rx_.count >= receive_trigger()) raw_interrupts_ |= irq_rx | irq_rx_timeout;
}

void Pl011::offer_room() {
  if (!receive_refused_ || rx_.count >= depth()) return;
  receive_refused_ = false;
  port_.receive_ready();
}

// In loopback the modem outputs are wired to the inputs (3.3.8); otherwise the inputs are idle.
void Pl011::update_modem_inputs() {
  struct Wire {
    uint32_t output, input, interrupt;
  };
  static constexpr std::array wires{Wire{cr_rts, fr_cts, irq_cts}, Wire{cr_dtr, fr_dsr, irq_dsr},
                                    Wire{cr_out1, fr_dcd, irq_dcd}, Wire{cr_out2, fr_ri, irq_ri}};
  for (const Wire& wire : wires) {
    const uint32_t input = loopback() && (control_ & wire.output) != 0 ? wire.input : 0;
    if ((modem_inputs_ & wire.input) != input) raw_interrupts_ |= wire.interrupt;
    modem_inputs_ = (modem_inputs_ & ~wire.input) | input;
  }
}

void Pl011::update() {
  flags_.store(flags(), std::memory_order_relaxed);
  const bool level = (raw_interrupts_ & interrupt_mask_) != 0;
  if (level == level_) return;
  level_ = level;
  line_.set(level);
}

uint32_t Pl011::flags() const {
  uint32_t flags = modem_inputs_;
  flags |= tx_.count == 0 ? fr_tx_empty : fr_busy;
  if (tx_.count >= depth()) flags |= fr_tx_full;
  if (rx_.count == 0) flags |= fr_rx_empty;
  if (rx_.count >= depth()) flags |= fr_rx_full;
  return flags;
}

bool Pl011::loopback() const { return (control_ & cr_loopback) != 0; }

bool Pl011::fifos_enabled() const { return (line_control_ & lcr_fifos_enabled) != 0; }

unsigned Pl011::depth() const { return fifos_enabled() ? fifo_depth : 1; }

unsigned Pl011::receive_trigger() const { return fifos_enabled() ? trigger_levels[ifls_rx::get(fifo_levels_)] : 1; }

unsigned Pl011::transmit_trigger() const { return fifos_enabled() ? trigger_levels[ifls_tx::get(fifo_levels_)] : 0; }

size_t Pl011::receive(std::span<const uint8_t> bytes) {
  const hal::LockGuard guard(lock_);
  // Loopback disconnects the receive pin; holding the bytes back is kinder than losing them.
  const size_t room = loopback() ? 0 : depth() - rx_.count;
  const size_t taken = std::min(bytes.size(), room);
  for (const uint8_t byte : bytes.first(taken)) push_received(byte);
  if (taken != 0) end_of_batch();
  receive_refused_ = taken < bytes.size();
  insist();
  update();
  return taken;
}

bool Pl011::receive_break() {
  const hal::LockGuard guard(lock_);
  receive_refused_ = loopback() || rx_.count >= depth();
  if (!receive_refused_) {
    push_received(dr_break_error);
    raw_interrupts_ |= irq_break;
    end_of_batch();
  }
  insist();
  update();
  return !receive_refused_;
}

void Pl011::transmit_ready() {
  const hal::LockGuard guard(lock_);
  drain();
  update();
}

}  // namespace vmm
