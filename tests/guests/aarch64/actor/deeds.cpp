// SPDX-License-Identifier: Apache-2.0
// Deeds with the power key, the watchdog and PSCI, none of which is on the other board.
#include <array>

#include "devices.hpp"
#include "gic.hpp"
#include "psci.hpp"
#include "watchdog.hpp"

namespace actor {
namespace {

using namespace guest;

// Pin 3 of the PL061 (DDI 0190, 3.2).
constexpr uint32_t power_key_interrupt = 32 + 7;
constexpr uint32_t power_key_bit = 1 << 3;
constexpr uint64_t gpio_base = 0x0903'0000;
constexpr uint64_t gpio_rising = gpio_base + 0x40c, gpio_enable = gpio_base + 0x410, gpio_clear = gpio_base + 0x41c;

constinit bool ends_by_key = false;
constinit bool feeds_watchdog = false;

// At the rising edge.
void expect_power_key() {
  write32(gpio_rising, power_key_bit);
  write32(gpio_clear, power_key_bit);
  write32(gpio_enable, power_key_bit);
  gic::enable(power_key_interrupt);
}

void end_by_key() {
  ends_by_key = true;
  expect_power_key();
  print("actor: will end by the power key");
}

void ignore_key() {
  expect_power_key();
  print("actor: will ignore the power key");
}

void starve_watchdog() {
  print("actor: leaves its watchdog alone");
  watchdog::start(300);
}

void crash_by_watchdog() { watchdog::start(10); }

void feed_watchdog() {
  feeds_watchdog = true;
  print("actor: feeds its watchdog");
  watchdog::start(2000);
}

void turn_off() {
  print("actor: turns its CPU off");
  (void)psci::call(psci::cpu_off);
}

constexpr std::array deeds{
    Deed{'K', end_by_key},    Deed{'k', ignore_key},        Deed{'W', starve_watchdog},
    Deed{'w', feed_watchdog}, Deed{'x', crash_by_watchdog}, Deed{'O', turn_off},
};

}  // namespace

std::span<const Deed> own_deeds() { return deeds; }

void tick() {
  if (feeds_watchdog) watchdog::refresh();
}

void interrupt(unsigned number) {
  switch (number) {
    case power_key_interrupt:
      write32(gpio_clear, power_key_bit);
      print("actor: the power key");
      if (ends_by_key) power_off();
      return;
    case watchdog::interrupt: print("actor: the watchdog barks"); return gic::disable(watchdog::interrupt);
    default: return;
  }
}

}  // namespace actor
