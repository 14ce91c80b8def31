// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"

#include <array>
#include <string_view>

#include "cpu.hpp"
#include "ipi.hpp"
#include "machine.hpp"

extern "C" void actor_tlb_refill();

namespace actor {
namespace {

using namespace guest;

// A register that software sets and a reset sets back.
struct Register {
  std::string_view name;
  uint64_t address;
  uint32_t fresh;
  uint32_t dirty;
};

// 16550 (PC16550D, 8), registers of a byte.
constexpr std::array uart_registers{
    Register{"UART interrupts", uart_base + 1, 0, 0x0f},
    Register{"UART modem control", uart_base + 4, 0x08, 0x0f},
    Register{"UART scratch", uart_base + 7, 0, 0xa5},
};

// PCH-PIC (7A1000 user manual, 5) and clock (20), of a word.
constexpr std::array registers{
    Register{"PCH-PIC mask", pch_pic_base + 0x20, ~0U, 0},
    Register{"PCH-PIC messages", pch_pic_base + 0x40, 0, 0xffff'ffff},
    Register{"PCH-PIC edges", pch_pic_base + 0x60, 0, 0x0000'ff00},
    Register{"PCH-PIC vectors", pch_pic_base + 0x200, 0, 0x2322'2120},
    Register{"PCH-PIC polarity", pch_pic_base + 0x3e0, 0, 0x5555'0000},
    Register{"calendar match", rtc_base + 0x34, 0, 0xffff'fff0},
    Register{"clock match", rtc_base + 0x6c, 0, 0xffff'fff0},
};

// EIOINTC (3A5000 user manual, 11.2) and interprocessor interrupts (10), by IOCSR address.
constexpr std::array io_registers{
    Register{"EIOINTC nodes", 0x14a0, 0, 0x0001'0002},
    Register{"EIOINTC pins", 0x14c0, 0, 0x0202'0202},
    Register{"EIOINTC enabled", 0x1600, 0, ~0U},
    Register{"EIOINTC enabled messages", 0x1604, 0, ~0U},
    Register{"EIOINTC bounce", 0x1680, 0, ~0U},
    Register{"EIOINTC routes", 0x1c10, 0, 0x0101'0101},
    Register{"IPI enabled", ipi::enable, 0, ~0U},
    Register{"mailbox", ipi::mailbox + 8, 0, 0xdead'beef},
};
constexpr uint32_t eiointc_in_service = 0x1804, test_vector = 32 + 5;

template <class... Registers>
bool are_zero() {
  return (Registers::read() | ...) == 0;
}
template <class... Registers>
void fill() {
  (Registers::write(0x5a5a'5a5a'5a5a'5a50), ...);
}

// Registers of the CPU that start.S has no need for.
bool cpu_is_fresh() {
  return are_zero<save<0>, save<1>, save<2>, save<3>, save<4>, save<5>, save<6>, save<7>, tid, pgdl, pgdh, dmw<2>,
                  dmw<3>, tlbrentry>();
}
void dirty_cpu() {
  fill<save<0>, save<1>, save<2>, save<3>, save<4>, save<5>, save<6>, save<7>, tid, pgdl, pgdh, dmw<2>, tlbrentry>();
}

constexpr uint64_t pending_mask = 0x1fff;

}  // namespace

unsigned count_differences(bool tell) {
  Report report(tell);
  report.check("RAM", ram_is_clean());
  report.check("CPU", cpu_is_fresh());
  report.check("ASID", (asid::read() & 0x3ff) == 0);
  report.check("timer", (tcfg::read() & tcfg_enable) == 0);
  report.check("pending interrupts", (estat::read() & pending_mask) == 0);
  report.check("EIOINTC in service", iocsr_read32(eiointc_in_service) == 0);
  report.check("IPI pending", iocsr_read32(ipi::status) == 0);
  for (const Register& r : uart_registers) report.check(r.name, read8(r.address) == r.fresh);
  for (const Register& r : registers) report.check(r.name, read32(r.address) == r.fresh);
  for (const Register& r : io_registers) {
    report.check(r.name, iocsr_read32(static_cast<uint32_t>(r.address)) == r.fresh);
  }
  return report.count;
}

void dirty_machine() {
  dirty_ram();
  for (const Register& r : uart_registers) write8(r.address, static_cast<uint8_t>(r.dirty));
  for (const Register& r : registers) write32(r.address, r.dirty);
  for (const Register& r : io_registers) iocsr_write32(static_cast<uint32_t>(r.address), r.dirty);
  write32(pch_msi_base, test_vector);
  iocsr_write32(ipi::set, 0x2);
  dirty_cpu();
  asid::write(0x155);
  // Pending and staying so, since interrupts are masked.
  estat::write(estat::read() | 0b11);
  tcfg::write(4 | tcfg_periodic | tcfg_enable);
}

// Pages of 4 KiB, which translation.S puts into the TLB.
Mapped mapped_ram() {
  constexpr uint64_t start = uint64_t{1} << 32;
  constexpr uint64_t entry_flags = 1 << 4 | 1 << 1 | 1 << 0;  // cached, dirty, valid; not global (volume 1, 7.5.4)
  constexpr uint64_t page_bits = 12, physical_mask = 0xffff'ffff'ffff;
  save<0>::write(unused_ram().start.value() | entry_flags);
  tlbrentry::write(reinterpret_cast<uint64_t>(&actor_tlb_refill) & physical_mask);
  stlbps::write(page_bits);
  asid::write(1);
  return {start, uint64_t{1} << 20};
}

// What the timer has counted down of the longest period there is: it ticks no more. The first call starts it.
uint64_t other_counter() {
  constexpr uint64_t longest = 0xffff'ffff'fffc;
  if ((tcfg::read() & ~uint64_t{3}) != longest) tcfg::write(longest | tcfg_enable);
  return longest - tval::read();
}

// 32768 Hz.
uint32_t clock_seconds() { return read32(rtc_base + 0x68) >> 15; }

}  // namespace actor
