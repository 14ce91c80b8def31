// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"

#include <array>
#include <string_view>

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "watchdog.hpp"

namespace actor {
namespace {

using namespace guest;

constexpr uint64_t gpio_base = 0x0903'0000;

// A register that software sets and a reset sets back.
struct Register {
  std::string_view name;
  uint64_t address;
  uint32_t mask;
  uint32_t fresh;
  uint32_t dirty;
};

// PL011 (DDI 0183, 3.2), PL031 (DDI 0224, 3.2), PL061 (DDI 0190, 3.2).
constexpr std::array registers{
    Register{"UART baud rate", uart_base + 0x24, 0xffff, 0, 0x123},
    Register{"UART interrupts", uart_base + 0x38, 0x7ff, 0, 0x7ff},
    Register{"UART levels", uart_base + 0x34, 0x3f, 0x12, 0x24},
    Register{"UART control", uart_base + 0x30, 0xff80, 0x300, 0xb00},
    Register{"clock match", rtc_base + 0x04, ~0U, 0, 0xffff'fff0},
    Register{"clock interrupt", rtc_base + 0x10, 1, 0, 1},
    Register{"GPIO directions", gpio_base + 0x400, 0xff, 0, 0xf0},
    Register{"GPIO outputs", gpio_base + 0x3fc, 0xff, 0, 0xa0},
    Register{"GPIO senses", gpio_base + 0x404, 0xff, 0, 0x55},
    Register{"GPIO edges", gpio_base + 0x408, 0xff, 0, 0x0f},
    Register{"GPIO interrupts", gpio_base + 0x410, 0xff, 0, 0xff},
};

// Banks of the interrupt controller, in bytes from its frame (IHI 0069, 12.9): reset value 0, from interrupt 32 on.
struct Bank {
  std::string_view name;
  uint64_t offset;
  unsigned bits;  // per interrupt
  uint32_t dirty;
};
constexpr std::array banks{
    Bank{"enabled interrupts", 0x100, 1, ~0U},    Bank{"pending interrupts", 0x200, 1, ~0U},
    Bank{"active interrupts", 0x300, 1, ~0U},     Bank{"priorities", 0x400, 8, 0x5050'5050},
    Bank{"configuration", 0xc00, 2, 0xaaaa'aaaa},
};
constexpr unsigned first_shared = 32, tested_interrupts = 96;

uint64_t word_of(const Bank& bank, unsigned interrupt) {
  return gicd_base + bank.offset + interrupt * bank.bits / 32 * 4;
}

template <class Visit>
void for_each_word(const Bank& bank, Visit visit) {
  for (unsigned i = first_shared; i < tested_interrupts; i += 32 / bank.bits) visit(word_of(bank, i));
}

}  // namespace

unsigned count_differences(bool tell) {
  Report report(tell);
  report.check("RAM", ram_is_clean());
  report.check("virtual timer", (cntv_ctl_el0::read() & 1) == 0);
  report.check("physical timer", (cntp_ctl_el0::read() & 1) == 0);
  report.check("distributor control", (read32(gicd_base) & 3) == 0);
  for (const Bank& bank : banks) {
    bool fresh = true;
    for_each_word(bank, [&](uint64_t address) { fresh &= read32(address) == 0; });
    report.check(bank.name, fresh);
  }
  report.check("private interrupts", !gic::is_enabled(virtual_timer_interrupt) && !gic::is_pending(3));
  for (const Register& r : registers) report.check(r.name, (read32(r.address) & r.mask) == r.fresh);
  if (watchdog::exists()) {
    report.check("watchdog", read32(watchdog::control) == 0 && read32(watchdog::offset) == 0);
  }
  return report.count;
}

void dirty_machine() {
  dirty_ram();
  for (const Register& r : registers) write32(r.address, r.dirty);
  for (const Bank& bank : banks) {
    for_each_word(bank, [&](uint64_t address) { write32(address, bank.dirty); });
  }
  gic::enable(virtual_timer_interrupt);
  gic::enable(3);
  gic::set_pending(3);
  // Both fire at once and stay pending, since interrupts are masked.
  cntv_cval_el0::write(0);
  cntv_ctl_el0::write(1);
  cntp_cval_el0::write(0);
  cntp_ctl_el0::write(1);
  watchdog::start(60'000);
}

// The identity map.
Mapped mapped_ram() {
  const hal::HostPhysRange ram = unused_ram();
  return {ram.start.value(), uint64_t{1} << 20};
}

uint64_t other_counter() { return cntpct_el0::read(); }
uint32_t clock_seconds() { return read32(rtc_base); }

}  // namespace actor
