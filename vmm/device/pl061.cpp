// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl061.hpp"

#include "vmm/device/primecell.hpp"
#include "vmm/lanes.hpp"

namespace vmm {

namespace {

// DDI 0190 table 3-1.
enum Register : uint32_t {
  gpiodata_end = 0x400,
  gpiodir = 0x400,
  gpiois = 0x404,
  gpioibe = 0x408,
  gpioiev = 0x40c,
  gpioie = 0x410,
  gpioris = 0x414,
  gpiomis = 0x418,
  gpioic = 0x41c,
  gpioafsel = 0x420,
};

constexpr PrimeCellId identification{.part = 0x061, .revision = 0};
constexpr uint8_t power_key_bit = 1U << Pl061::power_key;
constexpr uint64_t presses_per_second = 10;

// GPIODATA fills 256 words: bits 9:2 of the address say which pins are meant (3.3.1).
constexpr uint8_t data_mask(uint32_t offset) { return static_cast<uint8_t>(offset >> 2); }

}  // namespace

Pl061::Pl061(hal::GuestPhys base, IrqLine line, DeviceTimer& timer)
    : MmioDevice("pl061", {base, window_size}), line_(line), timer_(timer) {}

bool Pl061::press_power_key() {
  const hal::LockGuard guard(lock_);
  if ((registers_.enabled & ~registers_.direction & power_key_bit) == 0) return false;
  const uint8_t before = pins();
  inputs_ |= power_key_bit;
  release_at_ = timer_.now() + timer_.frequency() / presses_per_second;
  timer_.set_alarm(release_at_, *this);
  update(before);
  return true;
}

void Pl061::alarm() {
  const hal::LockGuard guard(lock_);
  if (timer_.now() < release_at_) return;
  const uint8_t before = pins();
  inputs_ = 0;
  release_at_ = DeviceTimer::never;
  update(before);
}

void Pl061::reset() {
  const hal::LockGuard guard(lock_);
  registers_ = {};
  inputs_ = 0;
  release_at_ = DeviceTimer::never;
  timer_.set_alarm(release_at_, *this);
  update(0);
}

uint64_t Pl061::read(MmioAccess access) {
  const hal::LockGuard guard(lock_);
  const Lanes lanes(access);
  return lanes.join(read_register(lanes.word()), lanes.has_second() ? read_register(lanes.word() + 4) : 0);
}

void Pl061::write(MmioAccess access, uint64_t value) {
  const hal::LockGuard guard(lock_);
  for (const auto [offset, word] : WholeWords(access, value)) write_register(offset, static_cast<uint8_t>(word));
}

uint8_t Pl061::pins() const {
  return static_cast<uint8_t>((registers_.outputs & registers_.direction) | (inputs_ & ~registers_.direction));
}

uint8_t Pl061::raw_status() const {
  const auto levels = static_cast<uint8_t>(~(pins() ^ registers_.rising_high));
  return static_cast<uint8_t>((levels & registers_.level) | (registers_.edges & ~registers_.level));
}

// The registers that read as written.
uint8_t* Pl061::setting(uint32_t offset) {
  switch (offset) {
    case gpiodir: return &registers_.direction;
    case gpiois: return &registers_.level;
    case gpioibe: return &registers_.both_edges;
    case gpioiev: return &registers_.rising_high;
    case gpioie: return &registers_.enabled;
    case gpioafsel: return &registers_.functions;
    default: return nullptr;
  }
}

uint32_t Pl061::read_register(uint32_t offset) {
  if (offset < gpiodata_end) return pins() & data_mask(offset);
  if (const uint8_t* const value = setting(offset)) return *value;
  switch (offset) {
    case gpioris: return raw_status();
    case gpiomis: return raw_status() & registers_.enabled;
    default: return identification.read(offset);
  }
}

void Pl061::write_register(uint32_t offset, uint8_t value) {
  const uint8_t before = pins();
  if (offset < gpiodata_end) {
    const uint8_t mask = data_mask(offset);
    registers_.outputs = static_cast<uint8_t>((registers_.outputs & ~mask) | (value & mask));
  } else if (uint8_t* const place = setting(offset)) {
    *place = value;
  } else if (offset == gpioic) {
    registers_.edges &= static_cast<uint8_t>(~value);
  } else {
    return;
  }
  update(before);
}

// Edges between `pins_before` and now are remembered; then the line is driven.
void Pl061::update(uint8_t pins_before) {
  const auto changed = static_cast<uint8_t>(pins_before ^ pins());
  const auto wanted = static_cast<uint8_t>(registers_.both_edges | ~(pins() ^ registers_.rising_high));
  registers_.edges |= changed & wanted;
  const bool level = (raw_status() & registers_.enabled) != 0;
  if (level == irq_level_) return;
  irq_level_ = level;
  line_.set(level);
}

}  // namespace vmm
