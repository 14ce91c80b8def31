// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/geni.hpp"

#include <algorithm>

#include "hal/mmio.hpp"

namespace hal::driver {
namespace {

enum Register : uint32_t {
  status = 0x040,
  byte_granularity = 0x254,
  tx_packing0 = 0x260,
  tx_packing1 = 0x264,
  tx_length = 0x270,
  rx_packing0 = 0x284,
  rx_packing1 = 0x288,
  m_command = 0x600,
  m_irq_enable = 0x614,
  m_irq_clear = 0x618,
  s_command = 0x630,
  s_control = 0x634,
  s_irq_status = 0x640,
  s_irq_enable = 0x644,
  s_irq_clear = 0x648,
  tx_fifo = 0x700,
  rx_fifo = 0x780,
  rx_fifo_status = 0x804,
};

// `status`: the main sequencer, which sends, and the secondary, which receives, have a command.
constexpr uint32_t m_active = 1U << 0;
constexpr uint32_t s_active = 1U << 12;

constexpr uint32_t start = 1U << 27;  // opcode 1 of either sequencer: send `tx_length` characters; receive
constexpr uint32_t cancel = 1U << 2;

constexpr uint32_t irq_command_done = 1U << 0;
constexpr uint32_t irq_rx_watermark = 1U << 26;
constexpr uint32_t irq_rx_last = 1U << 27;                       // the line fell silent with less than a word
constexpr uint32_t irq_secondary = 1U << 31;                     // of the main sequencer: the secondary has one
constexpr uint32_t irq_errors = 1U << 10 | 1U << 11 | 1U << 12;  // parity or framing; break begins; break ends
constexpr uint32_t irq_break = 1U << 11;

// `rx_fifo_status`
constexpr uint32_t rx_words = 0x1ff'ffff;
constexpr uint32_t rx_last = 1U << 31;

// How four characters lie in a word: a vector of ten bits for each, with the number of its first bit, its length less
// one, and a stop bit in the last.
constexpr uint32_t packing_vector(uint32_t n) { return (8 * n) << 5 | 7U << 1 | (n == 3 ? 1U : 0U); }
constexpr uint32_t packing0 = packing_vector(0) | packing_vector(1) << 10;
constexpr uint32_t packing1 = packing_vector(2) | packing_vector(3) << 10;

constexpr size_t burst = 16;  // characters for one command; the FIFO holds as many words

}  // namespace

uint32_t Geni::get(uint32_t place) const { return mmio_read32(registers_ + place); }
void Geni::set(uint32_t place, uint32_t value) const { mmio_write32(registers_ + place, value); }

Geni::Geni(HostVirt registers) : registers_(registers) {
  set(m_irq_enable, 0);
  set(s_irq_enable, 0);
  set(byte_granularity, 0);
  stop_receiver();
  set(rx_packing0, packing0);
  set(rx_packing1, packing1);
  set(m_irq_clear, ~0U);
  set(s_irq_clear, ~0U);
  set(s_command, start);
}

// Firmware that reads from the line itself is in the middle of a command; a new one is not taken before it ends.
void Geni::stop_receiver() const {
  constexpr unsigned patience = 10'000;
  if ((get(status) & s_active) == 0) return;
  set(s_control, cancel);
  for (unsigned left = patience; left != 0 && (get(status) & s_active) != 0; --left) {
  }
}

size_t Geni::write(std::span<const uint8_t> bytes) {
  if (bytes.empty() || (get(status) & m_active) != 0) return 0;
  const std::span<const uint8_t> now = bytes.first(std::min(bytes.size(), burst));
  set(tx_packing0, packing0);
  set(tx_packing1, packing1);
  set(m_irq_clear, irq_command_done);
  set(tx_length, static_cast<uint32_t>(now.size()));
  set(m_command, start);
  for (size_t at = 0; at < now.size(); at += 4) {
    uint32_t word = 0;
    for (size_t i = at; i < std::min(at + 4, now.size()); ++i) word |= uint32_t{now[i]} << (8 * (i - at));
    set(tx_fifo, word);
  }
  return now.size();
}

void Geni::fetch_word() {
  const uint32_t state = get(rx_fifo_status);
  const uint32_t words = state & rx_words;
  if (words == 0) return;
  const uint32_t valid = state >> 28 & 7;
  word_ = get(rx_fifo);
  characters_ = words == 1 && (state & rx_last) != 0 && valid != 0 && valid < 4 ? valid : 4;
}

size_t Geni::read(std::span<uint8_t> bytes) {
  const uint32_t raised = get(s_irq_status);
  set(s_irq_clear, raised);
  set(m_irq_clear, irq_rx_watermark | irq_rx_last | irq_secondary);
  size_t received = 0;
  // A break is the engine's news, not a character; that it is reported behind what came before it is all we can do.
  if (characters_ == 0) fetch_word();
  while (received < bytes.size() && characters_ != 0) {
    bytes[received++] = static_cast<uint8_t>(word_);
    word_ >>= 8;
    if (--characters_ == 0) fetch_word();
  }
  if ((raised & irq_break) != 0) note_break();
  return received;
}

void Geni::set_receive_interrupt(bool on) {
  if (on == receives_) return;
  receives_ = on;
  set(s_irq_enable, on ? irq_rx_watermark | irq_rx_last | irq_errors : 0);
  set(m_irq_enable,
      (receives_ ? irq_rx_watermark | irq_rx_last | irq_secondary : 0) | (transmits_ ? irq_command_done : 0));
}

void Geni::set_transmit_interrupt(bool on) {
  if (on == transmits_) return;
  transmits_ = on;
  set(m_irq_enable,
      (receives_ ? irq_rx_watermark | irq_rx_last | irq_secondary : 0) | (transmits_ ? irq_command_done : 0));
}

}  // namespace hal::driver
