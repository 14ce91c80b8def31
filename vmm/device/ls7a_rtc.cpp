// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/ls7a_rtc.hpp"

#include <algorithm>

#include "hal/base/bits.hpp"
#include "vmm/lanes.hpp"

namespace vmm {

namespace {

// Offsets from the start of the window.
enum Register : uint64_t {
  pm1_enable = 0x10,
  toy_write0 = 0x124,
  toy_write1 = 0x128,
  toy_read0 = 0x12c,
  toy_read1 = 0x130,
  toy_match0 = 0x134,
  rtc_control = 0x140,
  rtc_write0 = 0x164,
  rtc_read0 = 0x168,
  rtc_match0 = 0x16c,
};
constexpr size_t matches_each = 3;

struct control {
  using oscillator = hal::Field<8>;
  using calendar = hal::Field<11>;
  using counter = hal::Field<13>;
  static constexpr uint32_t all_run = 1U << 13 | 1U << 11 | 1U << 8;
};
struct toy {
  using second = hal::Field<9, 4>;
  using minute = hal::Field<15, 10>;
  using hour = hal::Field<20, 16>;
  using day = hal::Field<25, 21>;
  using month = hal::Field<31, 26>;
};
struct toy_match {
  using second = hal::Field<5, 0>;
  using minute = hal::Field<11, 6>;
  using hour = hal::Field<16, 12>;
  using day = hal::Field<21, 17>;
  using month = hal::Field<25, 22>;
  using year = hal::Field<31, 26>;  // the low bits of what toy_read1 says
};
constexpr uint32_t year_mask = 0x3f;

constexpr uint64_t cycles_per_second = 32768;
constexpr int64_t seconds_per_day = 86'400;

// Proleptic Gregorian; years count from 1900, months and days from 1.
struct Date {
  int64_t year;
  int64_t month, day, hour, minute, second;
};

constexpr int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Days before 1 March of the year `y` of the era that counts from 1 March 0: leap days come last in such years.
constexpr int64_t days_before_year(int64_t y) {
  return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400);
}
constexpr int64_t days_before_month(int64_t from_march) { return (153 * from_march + 2) / 5; }
constexpr int64_t days_to_1970 = days_before_year(1969) + days_before_month(10);

// Whatever the fields hold: the 31st of February is the 3rd of March, month 0 the December before.
constexpr int64_t to_seconds(const Date& date) {
  const int64_t months = date.month - 3;
  const int64_t year = 1900 + date.year + floor_div(months, 12);
  const int64_t days = days_before_year(year) + days_before_month(months - floor_div(months, 12) * 12) + date.day - 1;
  return (days - days_to_1970) * seconds_per_day + date.hour * 3600 + date.minute * 60 + date.second;
}

constexpr Date to_date(int64_t seconds) {
  const int64_t days = floor_div(seconds, seconds_per_day) + days_to_1970;
  const int64_t of_day = seconds - floor_div(seconds, seconds_per_day) * seconds_per_day;
  // 146097 days in 400 years: a guess that is at most a year too high or too low.
  int64_t year = floor_div(days * 400, 146'097);
  while (days_before_year(year) > days) --year;
  while (days_before_year(year + 1) <= days) ++year;
  const int64_t of_year = days - days_before_year(year);
  const int64_t from_march = (5 * of_year + 2) / 153;
  const int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
  return {.year = year + (month <= 2 ? 1 : 0) - 1900,
          .month = month,
          .day = of_year - days_before_month(from_march) + 1,
          .hour = of_day / 3600,
          .minute = of_day / 60 % 60,
          .second = of_day % 60};
}
static_assert(to_seconds({.year = 70, .month = 1, .day = 1, .hour = 0, .minute = 0, .second = 0}) == 0);

}  // namespace

Ls7aRtc::Ls7aRtc(hal::GuestPhys base, IrqLine line, DeviceTimer& timer, uint64_t epoch_at_zero)
    : MmioDevice("ls7a-rtc", {base, window_size}),
      line_(line),
      timer_(timer),
      offset_(static_cast<int64_t>(epoch_at_zero)),
      control_(control::all_run) {
  deadline_.fill(DeviceTimer::never);
}

// A clock has a battery: calendar and counter go on as they were set.
void Ls7aRtc::reset() {
  const hal::LockGuard guard(lock_);
  control_ = control::all_run;
  wake_enable_ = 0;
  match_ = {};
  armed_ = fired_ = 0;
  reschedule();
  update();
}

uint64_t Ls7aRtc::read(MmioAccess access) {
  const hal::LockGuard guard(lock_);
  const Lanes lanes(access);
  return lanes.join(read_register(lanes.word()), lanes.has_second() ? read_register(lanes.word() + 4) : 0);
}

void Ls7aRtc::write(MmioAccess access, uint64_t value) {
  if (access.offset % 4 != 0 || access.size < 4) return;
  const hal::LockGuard guard(lock_);
  expire();
  write_register(access.offset, static_cast<uint32_t>(value));
  if (access.size == 8) write_register(access.offset + 4, static_cast<uint32_t>(value >> 32));
  reschedule();
  update();
}

void Ls7aRtc::alarm() {
  const hal::LockGuard guard(lock_);
  expire();
  reschedule();
  update();
}

bool Ls7aRtc::calendar_runs() const {
  return control::oscillator::is_set(control_) && control::calendar::is_set(control_);
}
bool Ls7aRtc::counter_runs() const {
  return control::oscillator::is_set(control_) && control::counter::is_set(control_);
}

int64_t Ls7aRtc::seconds() const { return offset_ + static_cast<int64_t>(timer_.now() / timer_.frequency()); }

uint64_t Ls7aRtc::cycles() const {
  const uint64_t now = timer_.now();
  const uint64_t frequency = timer_.frequency();
  return now / frequency * cycles_per_second + now % frequency * cycles_per_second / frequency;
}

uint32_t Ls7aRtc::read_register(uint64_t offset) const {
  switch (offset) {
    case pm1_enable: return wake_enable_;
    case toy_read0: {
      if (!calendar_runs()) return 0;
      const Date date = to_date(seconds());
      return static_cast<uint32_t>(toy::month::of(date.month) | toy::day::of(date.day) | toy::hour::of(date.hour) |
                                   toy::minute::of(date.minute) | toy::second::of(date.second));
    }
    case toy_read1: return calendar_runs() ? static_cast<uint32_t>(to_date(seconds()).year) : 0;
    case rtc_control: return control_;
    case rtc_read0: return counter_runs() ? static_cast<uint32_t>(cycles() + cycle_offset_) : 0;
    default: break;
  }
  if (offset >= toy_match0 && offset < toy_match0 + 4 * matches_each) return match_[(offset - toy_match0) / 4];
  if (offset >= rtc_match0 && offset < rtc_match0 + 4 * matches_each) {
    return match_[matches_each + (offset - rtc_match0) / 4];
  }
  return 0;
}

// What belongs to a counter that stands still cannot be written.
void Ls7aRtc::write_register(uint64_t offset, uint32_t value) {
  switch (offset) {
    case pm1_enable: wake_enable_ = value; return;
    case rtc_control: control_ = value; return;
    case toy_write0:
      set_calendar(to_seconds({.year = to_date(seconds()).year,
                               .month = static_cast<int64_t>(toy::month::get(value)),
                               .day = static_cast<int64_t>(toy::day::get(value)),
                               .hour = static_cast<int64_t>(toy::hour::get(value)),
                               .minute = static_cast<int64_t>(toy::minute::get(value)),
                               .second = static_cast<int64_t>(toy::second::get(value))}));
      return;
    case toy_write1: {
      Date date = to_date(seconds());
      date.year = value;
      set_calendar(to_seconds(date));
      return;
    }
    case rtc_write0:
      if (counter_runs()) cycle_offset_ = value - static_cast<uint32_t>(cycles());
      return;
    default: break;
  }
  if (offset >= toy_match0 && offset < toy_match0 + 4 * matches_each && calendar_runs()) {
    set_match((offset - toy_match0) / 4, value);
  }
  if (offset >= rtc_match0 && offset < rtc_match0 + 4 * matches_each && counter_runs()) {
    set_match(matches_each + (offset - rtc_match0) / 4, value);
  }
}

// Years that the register cannot show wrap around.
void Ls7aRtc::set_calendar(int64_t seconds) {
  if (!calendar_runs()) return;
  Date date = to_date(seconds);
  date.year = static_cast<uint32_t>(date.year);
  offset_ = to_seconds(date) - static_cast<int64_t>(timer_.now() / timer_.frequency());
}

void Ls7aRtc::set_match(size_t match, uint32_t value) {
  match_[match] = value;
  fired_ &= ~(1U << match);
  armed_ |= 1U << match;
}

// When the counter becomes equal to the match register, in the timer's ticks. A calendar that has passed the time is
// not equal to it again.
uint64_t Ls7aRtc::deadline(size_t match) const {
  const uint64_t frequency = timer_.frequency();
  const uint32_t value = match_[match];
  if (match >= matches_each) {
    const uint64_t now = cycles();
    const uint64_t at = now + (value - static_cast<uint32_t>(now + cycle_offset_));
    return at / cycles_per_second * frequency +
           (at % cycles_per_second * frequency + cycles_per_second - 1) / cycles_per_second;
  }
  const int64_t now = seconds();
  const int64_t year = to_date(now).year;
  const int64_t at =
      to_seconds({.year = (year & ~int64_t{year_mask}) | static_cast<int64_t>(toy_match::year::get(value)),
                  .month = static_cast<int64_t>(toy_match::month::get(value)),
                  .day = static_cast<int64_t>(toy_match::day::get(value)),
                  .hour = static_cast<int64_t>(toy_match::hour::get(value)),
                  .minute = static_cast<int64_t>(toy_match::minute::get(value)),
                  .second = static_cast<int64_t>(toy_match::second::get(value))});
  if (at < now) return DeviceTimer::never;
  return static_cast<uint64_t>(at - offset_) * frequency;
}

// Note the matches that were reached since deadlines were last computed.
void Ls7aRtc::expire() {
  const uint64_t now = timer_.now();
  for (size_t i = 0; i < matches; ++i) {
    if (deadline_[i] > now) continue;
    deadline_[i] = DeviceTimer::never;
    armed_ &= ~(1U << i);
    fired_ |= 1U << i;
  }
}

void Ls7aRtc::reschedule() {
  for (size_t i = 0; i < matches; ++i) {
    const bool runs = i < matches_each ? calendar_runs() : counter_runs();
    deadline_[i] = (armed_ >> i & 1) != 0 && runs ? deadline(i) : DeviceTimer::never;
  }
  expire();
  timer_.set_alarm(*std::ranges::min_element(deadline_), *this);
}

void Ls7aRtc::update() {
  const bool level = fired_ != 0;
  if (level == level_) return;
  level_ = level;
  line_.set(level);
}

}  // namespace vmm
