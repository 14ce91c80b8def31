// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/ns16550.hpp"

#include <algorithm>
#include <array>

namespace vmm {
namespace {

// PC16550D table 2. Two registers lie elsewhere while LCR's divisor latch bit is set.
enum Register : uint32_t { data = 0, ier = 1, iir_fcr = 2, lcr = 3, mcr = 4, lsr = 5, msr = 6, scr = 7 };

// IER, 8.7.
constexpr uint8_t ier_received = 1U << 0;
constexpr uint8_t ier_transmit = 1U << 1;
constexpr uint8_t ier_line_status = 1U << 2;
constexpr uint8_t ier_modem_status = 1U << 3;
constexpr uint8_t ier_mask = 0x0f;

// IIR, table 4: what interrupts, the most urgent first.
constexpr uint8_t iir_line_status = 0x6;
constexpr uint8_t iir_timeout = 0xc;
constexpr uint8_t iir_received = 0x4;
constexpr uint8_t iir_transmit = 0x2;
constexpr uint8_t iir_modem_status = 0x0;
constexpr uint8_t iir_none = 0x1;
constexpr uint8_t iir_fifos = 0xc0;

// FCR, 8.5.
constexpr uint8_t fcr_enable = 1U << 0;
constexpr uint8_t fcr_clear_receive = 1U << 1;
constexpr uint8_t fcr_clear_transmit = 1U << 2;
constexpr uint8_t fcr_kept = 0xc9;
constexpr unsigned fcr_trigger_shift = 6;
constexpr std::array<uint8_t, 4> trigger_levels{1, 4, 8, 14};

constexpr uint8_t lcr_divisor_latch = 1U << 7;

// MCR, 8.8.
constexpr uint8_t mcr_dtr = 1U << 0, mcr_rts = 1U << 1, mcr_out1 = 1U << 2, mcr_out2 = 1U << 3, mcr_loopback = 1U << 4;
constexpr uint8_t mcr_mask = 0x1f;

// LSR, 8.4.
constexpr uint8_t lsr_ready = 1U << 0;
constexpr uint8_t lsr_overrun = 1U << 1;
constexpr uint8_t lsr_break = 1U << 4;
constexpr uint8_t lsr_errors = 0x1e;
constexpr uint8_t lsr_holding_empty = 1U << 5;
constexpr uint8_t lsr_all_empty = 1U << 6;
constexpr uint8_t lsr_fifo_error = 1U << 7;
constexpr unsigned entry_error_shift = 8;

// MSR, 8.9.
constexpr uint8_t msr_cts = 1U << 4, msr_dsr = 1U << 5, msr_ri = 1U << 6, msr_dcd = 1U << 7;
constexpr uint8_t msr_changed_ri = 1U << 2;

constexpr uint16_t reset_divisor = 12;

}  // namespace

Ns16550::Ns16550(hal::GuestPhys base, IrqLine line, ConsolePort& port)
    : MmioDevice("ns16550", {base, window_size}), line_(line), port_(port) {
  power_on();
}

// Table 3; what it leaves open is as on QEMU's board.
void Ns16550::power_on() {
  tx_.clear();
  rx_.clear();
  divisor_ = reset_divisor;
  interrupt_enable_ = fifo_control_ = line_control_ = 0;
  modem_control_ = mcr_out2;
  modem_changes_ = errors_ = damaged_ = scratch_ = 0;
  transmit_empty_ = timed_out_ = false;
  status_.store(line_status(), std::memory_order_relaxed);
}

void Ns16550::reset() {
  const hal::LockGuard guard(lock_);
  power_on();
  update();
  offer_room();
}

uint64_t Ns16550::read(MmioAccess access) {
  const auto offset = static_cast<uint32_t>(access.offset);
  if (offset == lsr) {
    const uint8_t now = status_.load(std::memory_order_relaxed);
    if ((now & lsr_errors) == 0 && (now & lsr_all_empty) != 0) return now;
  }
  return read_locked(offset);
}

uint8_t Ns16550::read_locked(uint32_t offset) {
  const hal::LockGuard guard(lock_);
  const uint8_t value = read_register(offset);
  update();
  return value;
}

void Ns16550::write(MmioAccess access, uint64_t value) {
  const hal::LockGuard guard(lock_);
  write_register(static_cast<uint32_t>(access.offset), static_cast<uint8_t>(value));
  update();
}

uint8_t Ns16550::read_register(uint32_t offset) {
  const bool latch = (line_control_ & lcr_divisor_latch) != 0;
  switch (offset) {
    case data: return latch ? static_cast<uint8_t>(divisor_) : read_data();
    case ier: return latch ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_;
    case iir_fcr: {
      const uint8_t now = interrupt();
      if (now == iir_transmit) transmit_empty_ = false;
      return static_cast<uint8_t>(now | (fifos_enabled() ? iir_fifos : 0));
    }
    case lcr: return line_control_;
    case mcr: return modem_control_;
    case lsr: {
      drain();
      const uint8_t now = line_status();
      errors_ = 0;
      return now;
    }
    case msr: {
      const auto now = static_cast<uint8_t>(modem_inputs() | modem_changes_);
      modem_changes_ = 0;
      return now;
    }
    case scr: return scratch_;
    default: return 0;
  }
}

void Ns16550::write_register(uint32_t offset, uint8_t value) {
  const bool latch = (line_control_ & lcr_divisor_latch) != 0;
  switch (offset) {
    case data:
      if (!latch) return write_data(value);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xff00) | value);
      break;
    case ier:
      if (!latch) return write_interrupt_enable(value & ier_mask);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xff) | value << 8);
      break;
    case iir_fcr: write_fifo_control(value); break;
    case lcr: line_control_ = value; break;
    case mcr: write_modem_control(value & mcr_mask); break;
    case scr: scratch_ = value; break;
    default: break;
  }
}

uint8_t Ns16550::read_data() {
  if (rx_.count == 0) return 0;
  const uint16_t entry = rx_.pop();
  if (entry >> entry_error_shift != 0) --damaged_;
  timed_out_ = rx_.count != 0;
  reveal();
  offer_room();
  return static_cast<uint8_t>(entry);
}

void Ns16550::write_data(uint8_t byte) {
  transmit_empty_ = false;
  if (tx_.count < depth()) tx_.push(byte);
  drain();
}

// Enabling it while there is nothing to send raises the transmit interrupt at once (8.7).
void Ns16550::write_interrupt_enable(uint8_t value) {
  if ((value & ~interrupt_enable_ & ier_transmit) != 0 && tx_.count == 0) transmit_empty_ = true;
  interrupt_enable_ = value;
}

// Switching the FIFOs on or off empties them (8.5).
void Ns16550::write_fifo_control(uint8_t value) {
  const bool switched = ((value ^ fifo_control_) & fcr_enable) != 0;
  if (switched || (value & fcr_clear_receive) != 0) {
    rx_.clear();
    timed_out_ = false;
    damaged_ = 0;
  }
  if (switched || (value & fcr_clear_transmit) != 0) {
    tx_.clear();
    transmit_empty_ = true;
  }
  fifo_control_ = value & fcr_kept;
  offer_room();
}

void Ns16550::write_modem_control(uint8_t value) {
  const uint8_t before = modem_inputs();
  modem_control_ = value;
  const uint8_t after = modem_inputs();
  // Each input's change is noted four bits below it, that of RI only when it ends (8.9).
  const auto changed = static_cast<uint8_t>((before ^ after) >> 4);
  const uint8_t ri = (before & ~after & msr_ri) != 0 ? msr_changed_ri : 0;
  modem_changes_ = static_cast<uint8_t>(modem_changes_ | (changed & ~msr_changed_ri) | ri);
  drain();
  if (!loopback()) offer_room();
}

void Ns16550::drain() {
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
  if (tx_.count == 0) transmit_empty_ = true;
  if (loopback()) timed_out_ = rx_.count != 0;
}

void Ns16550::push_received(uint16_t entry) {
  if (rx_.count >= depth()) {
    errors_ |= lsr_overrun;
    return;
  }
  rx_.push(entry);
  if (entry >> entry_error_shift != 0) ++damaged_;
  if (rx_.count == 1) reveal();
}

// What was wrong with a character is shown when it comes to the top of the FIFO (8.4).
void Ns16550::reveal() {
  if (rx_.count != 0) errors_ |= static_cast<uint8_t>(rx_.slots[rx_.first] >> entry_error_shift);
}

void Ns16550::offer_room() {
  if (!receive_refused_ || rx_.count >= depth()) return;
  receive_refused_ = false;
  port_.receive_ready();
}

void Ns16550::update() {
  status_.store(line_status(), std::memory_order_relaxed);
  const bool level = interrupt() != iir_none;
  if (level == level_) return;
  level_ = level;
  line_.set(level);
}

uint8_t Ns16550::interrupt() const {
  if ((interrupt_enable_ & ier_line_status) != 0 && errors_ != 0) return iir_line_status;
  if ((interrupt_enable_ & ier_received) != 0 && rx_.count != 0) {
    if (rx_.count >= receive_trigger()) return iir_received;
    if (timed_out_) return iir_timeout;
  }
  if ((interrupt_enable_ & ier_transmit) != 0 && transmit_empty_) return iir_transmit;
  if ((interrupt_enable_ & ier_modem_status) != 0 && modem_changes_ != 0) return iir_modem_status;
  return iir_none;
}

uint8_t Ns16550::line_status() const {
  uint8_t status = errors_;
  if (rx_.count != 0) status |= lsr_ready;
  if (fifos_enabled() && damaged_ != 0) status |= lsr_fifo_error;
  if (tx_.count == 0) status |= lsr_holding_empty | lsr_all_empty;
  return status;
}

// In loopback the modem's outputs are wired to its inputs (8.8).
uint8_t Ns16550::modem_inputs() const {
  if (!loopback()) return msr_dcd | msr_dsr | msr_cts;
  uint8_t inputs = 0;
  if ((modem_control_ & mcr_rts) != 0) inputs |= msr_cts;
  if ((modem_control_ & mcr_dtr) != 0) inputs |= msr_dsr;
  if ((modem_control_ & mcr_out1) != 0) inputs |= msr_ri;
  if ((modem_control_ & mcr_out2) != 0) inputs |= msr_dcd;
  return inputs;
}

bool Ns16550::fifos_enabled() const { return (fifo_control_ & fcr_enable) != 0; }

bool Ns16550::loopback() const { return (modem_control_ & mcr_loopback) != 0; }

unsigned Ns16550::receive_trigger() const {
  return fifos_enabled() ? trigger_levels[fifo_control_ >> fcr_trigger_shift] : 1;
}

size_t Ns16550::receive(std::span<const uint8_t> bytes) {
  const hal::LockGuard guard(lock_);
  // Loopback disconnects the receive pin; holding the bytes back is kinder than losing them.
  const size_t room = loopback() ? 0 : depth() - rx_.count;
  const size_t taken = std::min(bytes.size(), room);
  for (const uint8_t byte : bytes.first(taken)) push_received(byte);
  timed_out_ = rx_.count != 0;
  receive_refused_ = taken < bytes.size();
  update();
  return taken;
}

bool Ns16550::receive_break() {
  const hal::LockGuard guard(lock_);
  receive_refused_ = loopback() || rx_.count >= depth();
  if (!receive_refused_) {
    push_received(uint16_t{lsr_break} << entry_error_shift);
    timed_out_ = true;
    update();
  }
  return !receive_refused_;
}

void Ns16550::transmit_ready() {
  const hal::LockGuard guard(lock_);
  drain();
  update();
}

}  // namespace vmm
