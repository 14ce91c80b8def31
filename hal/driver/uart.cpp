// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/uart.hpp"

#include <algorithm>
#include <bit>

#include "hal/mmio.hpp"

namespace hal::driver {
namespace {

UartFamily::Width width_of(const UartInfo& info, UartFamily::Width otherwise) {
  switch (info.access_width) {
    case 1: return UartFamily::Width::byte;
    case 2: return UartFamily::Width::half;
    case 4: return UartFamily::Width::word;
    default: return otherwise;
  }
}

bool passes(const UartFamily::Test& test, uint32_t value) {
  return ((value & test.mask) == test.value) != test.differs;
}

}  // namespace

Uart::Uart(const UartFamily& family, const UartInfo& info, HostVirt registers)
    : family_(family),
      registers_(registers),
      width_(family.registers_are_numbers ? width_of(info, family.width) : family.width),
      data_width_(family.registers_are_numbers || family.data_width_is_open ? width_of(info, family.data_width)
                                                                            : family.data_width),
      shift_(family.registers_are_numbers ? info.register_shift : uint8_t{0}) {
  for (const UartFamily::Step& step : family_.steps) carry_out(step);
  if (family_.has_fifo.mask == 0 || holds(family_.has_fifo)) burst_ = family_.burst;
}

uint32_t Uart::get(uint16_t place, Width width) const {
  const HostVirt at = registers_ + (uint64_t{place} << shift_);
  switch (width) {
    case Width::byte: return mmio_read8(at);
    case Width::half: return mmio_read16(at);
    case Width::big_endian_word: return std::byteswap(mmio_read32(at));
    case Width::word: break;
  }
  return mmio_read32(at);
}

void Uart::set(uint16_t place, uint32_t value, Width width) const {
  const HostVirt at = registers_ + (uint64_t{place} << shift_);
  switch (width) {
    case Width::byte: return mmio_write8(at, static_cast<uint8_t>(value));
    case Width::half: return mmio_write16(at, static_cast<uint16_t>(value));
    case Width::big_endian_word: return mmio_write32(at, std::byteswap(value));
    case Width::word: break;
  }
  mmio_write32(at, value);
}

bool Uart::holds(const UartFamily::Test& test) const { return passes(test, get(test.place)); }

void Uart::carry_out(const UartFamily::Step& step) const {
  if (step.clear == 0 && step.set == 0) return;
  if (step.clear == UartFamily::all) return set(step.place, step.set);
  const uint32_t old = get(step.place);
  const uint32_t wanted = (old & ~step.clear) | step.set;
  if (wanted != old) set(step.place, wanted);
}

void Uart::clear(const UartFamily::Clear& flags) const {
  using How = UartFamily::Clear::How;
  switch (flags.how) {
    case How::nothing: break;
    case How::write_bits: set(flags.place, flags.bits); break;
    case How::write_along: set(flags.place, get(flags.place) | flags.bits); break;
    case How::write_zero: set(flags.place, get(flags.place) & ~flags.bits); break;
    case How::pulse: {
      const uint32_t without = get(flags.place) & ~flags.bits;
      set(flags.place, without | flags.bits);
      set(flags.place, without);
      break;
    }
    case How::read: (void)get(flags.place); break;
  }
}

// A flag that is cleared may stand for room that came after the last look: hence another look.
size_t Uart::write(std::span<const uint8_t> bytes) {
  size_t sent = 0;
  bool again = true;
  while (again && sent < bytes.size()) {
    again = false;
    while (sent < bytes.size() && holds(family_.can_send)) {
      for (const uint8_t byte : bytes.subspan(sent, std::min<size_t>(burst_, bytes.size() - sent))) {
        set(family_.transmit, byte, data_width_);
        ++sent;
      }
      again = family_.after_send.how != UartFamily::Clear::How::nothing;
    }
    clear(family_.after_send);
  }
  return sent;
}

bool Uart::take(uint32_t status, std::span<uint8_t> bytes, size_t& received) {
  uint32_t errors = status;
  if (family_.errors != family_.has_received.place && family_.errors != family_.receive) errors = get(family_.errors);
  const uint32_t word = get(family_.receive, data_width_);
  if (family_.errors == family_.receive) errors = word;
  const auto byte = static_cast<uint8_t>(word);
  if ((errors & (family_.damaged | family_.broken)) == 0) {
    bytes[received++] = byte;
    return true;
  }
  clear(family_.after_error);
  return (errors & family_.broken) == 0 && (family_.broken != 0 || byte != 0);
}

size_t Uart::read(std::span<uint8_t> bytes) {
  size_t received = 0;
  bool again = true, broke = false;
  while (again && !broke && received < bytes.size()) {
    again = false;
    uint32_t status = get(family_.has_received.place);
    while (!broke && received < bytes.size() && passes(family_.has_received, status)) {
      broke = !take(status, bytes, received);
      again = family_.after_receive.how != UartFamily::Clear::How::nothing;
      status = get(family_.has_received.place);
    }
    clear(family_.after_receive);
    clear(family_.overrun);
  }
  if (broke) note_break();
  if (received == 0 && !broke && family_.ghost.mask != 0 && holds(family_.ghost)) {
    (void)get(family_.receive, data_width_);
  }
  return received;
}

void Uart::set_receive_interrupt(bool on) { set_interrupts(family_.interrupts.receive, on); }
void Uart::set_transmit_interrupt(bool on) { set_interrupts(family_.interrupts.transmit, on); }

void Uart::set_interrupts(uint32_t bits, bool on) {
  const uint32_t wanted = on ? interrupts_ | bits : interrupts_ & ~bits;
  if (wanted == interrupts_) return;
  interrupts_ = wanted;
  const UartFamily::Interrupts& way = family_.interrupts;
  using How = UartFamily::Interrupts::How;
  switch (way.how) {
    case How::enable: return set(way.place, (get(way.place) & ~bits) | (on ? bits : 0));
    case How::mask: return set(way.place, (get(way.place) & ~bits) | (on ? 0 : bits));
    case How::set_and_clear: return set(on ? way.place : way.place_off, bits);
    case How::write_only: return set(way.place, interrupts_);
  }
}

}  // namespace hal::driver
