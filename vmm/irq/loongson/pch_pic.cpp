// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/loongson/pch_pic.hpp"

#include <bit>

#include "hal/base/bits.hpp"
#include "vmm/lanes.hpp"

namespace vmm::loongson {
namespace {

// 7A1000 user manual, table 5-2. Registers of 64 bits, then a byte for each input.
enum Register : uint32_t {
  identification = 0x00,
  mask = 0x20,
  message_enable = 0x40,
  edge = 0x60,
  clear_edges = 0x80,
  auto_control0 = 0xc0,
  auto_control1 = 0xe0,
  route = 0x100,
  vectors = 0x200,
  request = 0x380,
  in_service = 0x3a0,
  polarity = 0x3e0,
};
constexpr uint32_t identification_low = 0x0700'0000;
constexpr uint32_t version = 1;

constexpr bool is_in(uint32_t offset, uint32_t start) { return offset - start < PchPic::max_inputs; }

}  // namespace

uint64_t PchPic::read(MmioAccess access) {
  const Lanes lanes(access);
  const hal::LockGuard guard(lock_);
  return lanes.join(read_word(lanes.word()), lanes.has_second() ? read_word(lanes.word() + 4) : 0);
}

void PchPic::write(MmioAccess access, uint64_t value) {
  const Lanes lanes(access);
  const hal::LockGuard guard(lock_);
  write_word(lanes.word(), lanes.first(value), lanes.mask());
  if (lanes.has_second()) write_word(lanes.word() + 4, Lanes::second(value), ~0U);
}

// The registers that read as they are.
const PchPic::Bits* PchPic::bits_at(uint32_t offset) const {
  switch (offset & ~4U) {
    case mask: return &mask_;
    case message_enable: return &message_enable_;
    case edge: return &edge_;
    case auto_control0: return &auto_control0_;
    case auto_control1: return &auto_control1_;
    case request: return &request_;
    case in_service: return &in_service_;
    case polarity: return &polarity_;
    default: return nullptr;
  }
}

uint32_t PchPic::read_word(uint32_t offset) const {
  const unsigned half = offset / 4 % 2;
  if (const Bits* const bits = bits_at(offset)) return bits->half(half);
  if (offset == identification) return identification_low;
  if (offset == identification + 4) return version | (inputs_ - 1) << 16;
  const bool is_route = is_in(offset, route);
  if (!is_route && !is_in(offset, vectors)) return 0;
  const auto& bytes = is_route ? route_ : vector_;
  uint32_t word = 0;
  for (unsigned n = 0; n < 4; ++n) word |= uint32_t{bytes[offset % max_inputs + n]} << n * 8;
  return word;
}

void PchPic::write_word(uint32_t offset, uint32_t value, uint32_t lanes) {
  const unsigned half = offset / 4 % 2;
  switch (offset & ~4U) {
    case mask: mask_.put(half, value, lanes); break;
    case message_enable: message_enable_.put(half, value, lanes); break;
    case edge: edge_.put(half, value, lanes); break;
    case clear_edges: request_.value &= ~(uint64_t{value} << 32 * half & edge_.value); break;
    case auto_control0: auto_control0_.put(half, value, lanes); break;
    case auto_control1: auto_control1_.put(half, value, lanes); break;
    case polarity: polarity_.put(half, value, lanes); break;
    default: return write_vectors(offset, value, lanes);
  }
  update();
}

// An input that is in service under its old vector leaves that one first.
void PchPic::write_vectors(unsigned offset, uint32_t value, uint32_t lanes) {
  const bool is_route = is_in(offset, route);
  if (!is_route && !is_in(offset, vectors)) return;
  for (unsigned n = 0; n < 4; ++n) {
    if ((lanes >> n * 8 & 0xff) == 0) continue;
    const unsigned input = offset % max_inputs + n;
    const auto byte = static_cast<uint8_t>(value >> n * 8);
    if (is_route) {
      route_[input] = byte;
      continue;
    }
    const bool active = (in_service_.value >> input & 1) != 0;
    if (active) parent_.set_level(vector_[input], false);
    vector_[input] = byte;
    if (active) parent_.set_level(byte, true);
  }
}

void PchPic::set_level(VirtualIrq irq, bool level) {
  const auto input = static_cast<uint32_t>(irq);
  if (input >= inputs_) return;
  const hal::LockGuard guard(lock_);
  const uint64_t bit = hal::bit(input);
  const bool rises = level && (asserted_ & bit) == 0;
  asserted_ = level ? asserted_ | bit : asserted_ & ~bit;
  if ((edge_.value & bit) != 0) {
    if (rises) request_.value |= bit;
  } else {
    request_.value = level ? request_.value | bit : request_.value & ~bit;
  }
  update();
}

// Requests that are not masked are in service; each change goes on to the EIOINTC.
void PchPic::update() {
  const uint64_t wanted = request_.value & ~mask_.value;
  for (uint64_t changed = wanted ^ in_service_.value; changed != 0; changed &= changed - 1) {
    const auto input = static_cast<unsigned>(std::countr_zero(changed));
    parent_.set_level(vector_[input], (wanted >> input & 1) != 0);
  }
  in_service_.value = wanted;
}

void PchPic::power_on() {
  mask_.value = ~uint64_t{0};
  message_enable_ = edge_ = auto_control0_ = auto_control1_ = polarity_ = request_ = in_service_ = {};
  asserted_ = 0;
  route_.fill(1);
  vector_.fill(0);
}

// Devices drive their lines anew; the EIOINTC is reset by its owner.
void PchPic::reset() {
  const hal::LockGuard guard(lock_);
  power_on();
}

}  // namespace vmm::loongson
