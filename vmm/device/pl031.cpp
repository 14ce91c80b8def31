// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl031.hpp"

#include "vmm/device/primecell.hpp"
#include "vmm/lanes.hpp"

namespace vmm {

namespace {

// DDI 0224 table 3-1.
enum Register : uint32_t {
  rtc_dr = 0x00,
  rtc_mr = 0x04,
  rtc_lr = 0x08,
  rtc_cr = 0x0c,
  rtc_imsc = 0x10,
  rtc_ris = 0x14,
  rtc_mis = 0x18,
  rtc_icr = 0x1c,
};

constexpr PrimeCellId identification{.part = 0x031, .revision = 1};

}  // namespace

Pl031::Pl031(hal::GuestPhys base, IrqLine line, DeviceTimer& timer, uint64_t epoch_at_zero)
    : MmioDevice("pl031", {base, window_size}),
      line_(line),
      timer_(timer),
      offset_(static_cast<uint32_t>(epoch_at_zero)) {}

// A clock has a battery: it goes on as it was set.
void Pl031::reset() {
  const hal::LockGuard guard(lock_);
  match_ = load_ = 0;
  mask_ = raw_ = false;
  armed_ = false;
  schedule();
  update();
}

uint64_t Pl031::read(MmioAccess access) {
  const hal::LockGuard guard(lock_);
  const Lanes lanes(access);
  return lanes.join(read_register(lanes.word()), lanes.has_second() ? read_register(lanes.word() + 4) : 0);
}

void Pl031::write(MmioAccess access, uint64_t value) {
  const hal::LockGuard guard(lock_);
  for (const auto [offset, word] : WholeWords(access, value)) write_register(offset, word);
}

uint32_t Pl031::read_register(uint32_t offset) const {
  switch (offset) {
    case rtc_dr: return seconds();
    case rtc_mr: return match_;
    case rtc_lr: return load_;
    case rtc_cr: return 1;  // enabled, and stays so until a reset (3.3.4)
    case rtc_imsc: return mask_ ? 1 : 0;
    case rtc_ris: return raw_ ? 1 : 0;
    case rtc_mis: return raw_ && mask_ ? 1 : 0;
    default: return identification.read(offset);
  }
}

void Pl031::write_register(uint32_t offset, uint32_t value) {
  switch (offset) {
    case rtc_mr:
      match_ = value;
      armed_ = true;
      schedule();
      break;
    case rtc_lr:
      load_ = offset_ = value;
      zero_ticks_ = timer_.now();
      schedule();
      break;
    case rtc_imsc: mask_ = (value & 1) != 0; break;
    case rtc_icr: raw_ = raw_ && (value & 1) == 0; break;
    default: return;
  }
  update();
}

uint32_t Pl031::seconds() const {
  return static_cast<uint32_t>(offset_ + (timer_.now() - zero_ticks_) / timer_.frequency());
}

// The interrupt is raised when the counter *becomes* equal to the match register; a counter that is equal already
// counts as well, one that has passed it wraps around first.
void Pl031::schedule() {
  const uint64_t elapsed = (timer_.now() - zero_ticks_) / timer_.frequency();
  const uint32_t wait = match_ - static_cast<uint32_t>(offset_ + elapsed);
  if (armed_ && wait == 0) {
    raw_ = true;
    armed_ = false;
  }
  deadline_ = armed_ ? zero_ticks_ + (elapsed + wait) * timer_.frequency() : DeviceTimer::never;
  timer_.set_alarm(deadline_, *this);
}

void Pl031::alarm() {
  const hal::LockGuard guard(lock_);
  if (!armed_ || timer_.now() < deadline_) return;
  raw_ = true;
  armed_ = false;
  deadline_ = DeviceTimer::never;
  update();
}

void Pl031::update() {
  const bool level = raw_ && mask_;
  if (level == level_) return;
  level_ = level;
  line_.set(level);
}

}  // namespace vmm
