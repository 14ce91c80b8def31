// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/rtc.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <map>

#include <arch/mmio.hpp>

namespace {

constexpr hal::HostVirt base{0x3000'0000'0000};

class Words final : public arch::FakeRegisters {
 public:
  Words() { installed = this; }
  uint32_t read(hal::HostVirt place, unsigned width) override {
    EXPECT_EQ(width, 4U);
    return words[place - base];
  }
  void write(hal::HostVirt place, unsigned width, uint32_t value) override {
    EXPECT_EQ(width, 4U);
    words[place - base] = value;
  }
  std::map<uint64_t, uint32_t> words;
};

// The LS7A's clock at an instant, by the C library's calendar; it stands still until it is switched on.
class Ls7a final : public arch::FakeRegisters {
 public:
  explicit Ls7a(time_t instant) {
    installed = this;
    gmtime_r(&instant, &time);
  }
  uint32_t read(hal::HostVirt place, unsigned) override {
    if (place - base == 0x40) return control;
    if ((control & 0x900) != 0x900) return 0;
    if (place - base == 0x30) return static_cast<uint32_t>(time.tm_year);
    EXPECT_EQ(place - base, 0x2cU);
    return static_cast<uint32_t>((time.tm_mon + 1) << 26 | time.tm_mday << 21 | time.tm_hour << 16 | time.tm_min << 10 |
                                 time.tm_sec << 4);
  }
  void write(hal::HostVirt place, unsigned, uint32_t value) override {
    EXPECT_EQ(place - base, 0x40U);
    control = value;
  }
  uint32_t control = 0;
  tm time{};
};

TEST(Clock, reads_the_seconds_that_a_pl031_counts) {
  Words clock;
  clock.words[0] = 1'800'000'000;
  EXPECT_EQ(hal::driver::read_clock(hal::RtcKind::pl031, base), 1'800'000'000U);
}

TEST(Clock, turns_the_ls7a_on_and_its_calendar_into_seconds) {
  for (const time_t instant : {0L, 951'782'399L, 951'782'400L, 951'868'799L, 1'709'210'096L, 4'107'542'399L, 4'107'542'400L}) {
    Ls7a clock(instant);
    EXPECT_EQ(hal::driver::read_clock(hal::RtcKind::ls7a, base), static_cast<uint64_t>(instant));
    EXPECT_EQ(clock.control, 0x900U);
  }
}

TEST(Clock, says_1970_where_the_ls7a_holds_no_date) {
  Words clock;
  clock.words[0x30] = 124;
  EXPECT_EQ(hal::driver::read_clock(hal::RtcKind::ls7a, base), 0U);
}

}  // namespace
