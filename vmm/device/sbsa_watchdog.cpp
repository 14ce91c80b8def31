// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/sbsa_watchdog.hpp"

#include "hal/base/bits.hpp"
#include "vmm/lanes.hpp"

namespace vmm {

namespace {

// DEN0094: refresh frame, then control frame; both end in the same identification.
constexpr uint32_t wrr = 0x000;
constexpr uint32_t wcs = 0x000;
constexpr uint32_t wor_low = 0x008;
constexpr uint32_t wor_high = 0x00c;
constexpr uint32_t wcv_low = 0x010;
constexpr uint32_t wcv_high = 0x014;
constexpr uint32_t w_iidr = 0xfcc;

constexpr uint32_t wcs_enable = 1U << 0;
constexpr uint32_t wcs_ws0 = 1U << 1;
constexpr uint32_t wcs_ws1 = 1U << 2;

using low_word = hal::Field<31, 0, uint32_t>;
using high_word = hal::Field<63, 32, uint32_t>;
using wor_high_bits = hal::Field<47, 32, uint32_t>;

// Architecture revision 1 (the offset has 48 bits), implementer Arm.
constexpr uint32_t identification = 1U << 16 | 0x43b;

}  // namespace

SbsaWatchdog::SbsaWatchdog(hal::GuestPhysRange control, hal::GuestPhysRange refresh, IrqLine line, DeviceTimer& timer,
                           WatchdogOwner& owner)
    : control_(control, *this), refresh_(refresh, *this), line_(line), timer_(timer), owner_(owner) {}

uint64_t SbsaWatchdog::RefreshFrame::read(MmioAccess access) {
  const Lanes lanes(access);
  return lanes.join(lanes.word() == w_iidr ? identification : 0, 0);
}

void SbsaWatchdog::RefreshFrame::write(MmioAccess access, uint64_t) {
  if (access.offset != wrr) return;
  const hal::LockGuard guard(watchdog_.lock_);
  watchdog_.refresh();
}

uint64_t SbsaWatchdog::ControlFrame::read(MmioAccess access) {
  const hal::LockGuard guard(watchdog_.lock_);
  const Lanes lanes(access);
  return lanes.join(watchdog_.read_control(lanes.word()),
                    lanes.has_second() ? watchdog_.read_control(lanes.word() + 4) : 0);
}

void SbsaWatchdog::ControlFrame::write(MmioAccess access, uint64_t value) {
  const hal::LockGuard guard(watchdog_.lock_);
  for (const auto [offset, word] : WholeWords(access, value)) watchdog_.write_control(offset, word);
}

uint32_t SbsaWatchdog::read_control(uint32_t offset) const {
  switch (offset) {
    case wcs: return (enabled_ ? wcs_enable : 0) | (ws0_ ? wcs_ws0 : 0) | (ws1_ ? wcs_ws1 : 0);
    case wor_low: return low_word::get(offset_);
    case wor_high: return high_word::get(offset_);
    case wcv_low: return low_word::get(compare_);
    case wcv_high: return high_word::get(compare_);
    case w_iidr: return identification;
    default: return 0;
  }
}

// A write to WCS or WOR is a refresh as well.
void SbsaWatchdog::write_control(uint32_t offset, uint32_t value) {
  switch (offset) {
    case wcs:
      enabled_ = (value & wcs_enable) != 0;
      refresh();
      break;
    case wor_low:
      offset_ = low_word::set(offset_, value);
      refresh();
      break;
    case wor_high:
      offset_ = wor_high_bits::set(offset_, value);
      refresh();
      break;
    case wcv_low:
      compare_ = low_word::set(compare_, value);
      update();
      break;
    case wcv_high:
      compare_ = high_word::set(compare_, value);
      update();
      break;
    default: break;
  }
}

void SbsaWatchdog::refresh() {
  ws0_ = ws1_ = false;
  compare_ = timer_.now() + offset_;
  update();
}

void SbsaWatchdog::update() {
  const bool runs = enabled_ && !ws1_ && !paused_;
  timer_.set_alarm(runs ? compare_ : DeviceTimer::never, *this);
  if (ws0_ == level_) return;
  level_ = ws0_;
  line_.set(level_);
}

void SbsaWatchdog::alarm() {
  bool tell_owner = false;
  {
    const hal::LockGuard guard(lock_);
    if (!enabled_ || ws1_ || paused_ || timer_.now() < compare_) return;
    tell_owner = ws1_ = ws0_;
    ws0_ = true;
    if (!ws1_) compare_ = timer_.now() + offset_;
    update();
  }
  if (tell_owner) owner_.watchdog_expired();
}

void SbsaWatchdog::pause() {
  const hal::LockGuard guard(lock_);
  if (paused_) return;
  paused_ = true;
  update();
}

void SbsaWatchdog::resume(uint64_t passed) {
  const hal::LockGuard guard(lock_);
  if (!paused_) return;
  paused_ = false;
  compare_ += passed;
  update();
}

void SbsaWatchdog::reset() {
  const hal::LockGuard guard(lock_);
  enabled_ = ws0_ = ws1_ = paused_ = false;
  offset_ = compare_ = 0;
  update();
}

}  // namespace vmm
