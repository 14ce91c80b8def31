// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/rtc.hpp"

#include "hal/base/bits.hpp"
#include "hal/mmio.hpp"

namespace hal::driver {
namespace {

// RTCDR counts seconds (Arm DDI 0224 3.3.1).
uint64_t read_pl031(HostVirt registers) { return mmio_read32(registers); }

// The time of year counter of the LS7A bridge (Loongson 7A1000 manual, 8.2): date and time in fields.
namespace ls7a {
enum Register : uint64_t { toy_read0 = 0x2c, toy_read1 = 0x30, control = 0x40 };
using seconds = Field<9, 4>;
using minutes = Field<15, 10>;
using hours = Field<20, 16>;
using day = Field<25, 21>;
using month = Field<31, 26>;
constexpr uint32_t running = 1U << 11 | 1U << 8;  // TOY counter, oscillator
}  // namespace ls7a

// Days from 1970-01-01 in the Gregorian calendar. Years begin in March, so that the leap day is their last.
constexpr uint64_t days_since_epoch(uint64_t year, uint64_t month, uint64_t day) {
  const uint64_t years = year - (month <= 2 ? 1 : 0);
  const uint64_t months = (month + 9) % 12;  // since March
  const uint64_t day_of_year = (153 * months + 2) / 5 + day - 1;
  constexpr uint64_t from_year_zero = 719468;
  return years * 365 + years / 4 - years / 100 + years / 400 + day_of_year - from_year_zero;
}
static_assert(days_since_epoch(1970, 1, 1) == 0 && days_since_epoch(2000, 3, 1) == 11017);

uint64_t read_ls7a(HostVirt registers) {
  using namespace ls7a;
  const uint32_t was = mmio_read32(registers + control);
  if ((was & running) != running) mmio_write32(registers + control, was | running);
  // The two words are read at different moments: around New Year the year may have changed in between.
  uint32_t year = mmio_read32(registers + toy_read1);
  uint32_t time = mmio_read32(registers + toy_read0);
  if (const uint32_t again = mmio_read32(registers + toy_read1); again != year) {
    year = again;
    time = mmio_read32(registers + toy_read0);
  }
  const uint64_t month_of_year = month::get(time), day_of_month = day::get(time);
  if (month_of_year == 0 || month_of_year > 12 || day_of_month == 0) return 0;
  const uint64_t days = days_since_epoch(1900 + uint64_t{year}, month_of_year, day_of_month);
  return ((days * 24 + hours::get(time)) * 60 + minutes::get(time)) * 60 + seconds::get(time);
}

}  // namespace

uint64_t read_clock(RtcKind kind, HostVirt registers) {
  return kind == RtcKind::ls7a ? read_ls7a(registers) : read_pl031(registers);
}

}  // namespace hal::driver
