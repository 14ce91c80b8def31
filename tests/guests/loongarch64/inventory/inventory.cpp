// SPDX-License-Identifier: Apache-2.0
// Says what every register of the machine holds that software may read first: `reg WHERE OFFSET VALUE`, for those that
// are not zero. The test compares a VM with QEMU's board. Nothing is written before the last of CPU 0's is read; what
// start.S needs is the same on both.
#include <array>
#include <cstddef>

#include "code.hpp"
#include "cpu.hpp"
#include "dump.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"
#include "wait.hpp"

using namespace guest;

namespace {

constexpr uint64_t bridge_base = 0x2000'0000;  // configuration space of PCI function 0:0.0
constexpr uint32_t csrs = 1 << 14;
constexpr uint32_t csrrd_instruction = 0x0400'0000;
constexpr unsigned uart_registers = 8;

// The UART's own must be read before it says the first word.
constinit std::array<uint8_t, uart_registers> uart_bytes{};
void read_uart() {
  for (unsigned n = 0; n < uart_registers; ++n) uart_bytes[n] = read8(uart_base + n);
}
void dump_uart() {
  for (unsigned n = 0; n < uart_registers; ++n) say("uart", n, uart_bytes[n]);
}

void dump_words() {
  for (uint32_t word = 0; word < 0x100; ++word) say("cpucfg", word, cpucfg(word));
}

// Each number there can be, by instructions made for it. What exceptions leave behind (PRMD to BADI, and of the TLB's
// refills) is none of reset's.
bool is_of_exceptions(uint32_t number) { return (number >= 0x5 && number <= 0x8) || number == 0x1; }

void dump_csrs(std::string_view where) {
  Code code;
  for (uint32_t number = 0; number < csrs; ++number) {
    if (is_of_exceptions(number)) continue;
    uint64_t value = 0;
    if (code.execute(csrrd_instruction | number << 10 | rd_a0, value, 0).taken) {
      print("reg {} {:#x} fault", where, number);
    } else {
      say(where, number, value);
    }
  }
}

// 3A5000 user manual, 4: registers of 64 bits; 10 and 11.2: of 32, among them COREISR of this CPU alone, behind which
// QEMU shows what lies behind its own array.
constexpr uint32_t end_of_configuration = 0x1000, core_isr_end = 0x1820, route = 0x1c00, end_of_iocsrs = 0x2000;
constexpr uint32_t monitor_iocsrs = 0x4000'0000;

void dump_iocsrs() {
  for (uint32_t address = 0; address < end_of_configuration; address += 8) say("iocsr", address, iocsr_read64(address));
  for (uint32_t address = end_of_configuration; address < end_of_iocsrs; address += 4) {
    if (address < core_isr_end || address >= route) say("iocsr", address, iocsr_read32(address));
  }
  for (uint32_t address = monitor_iocsrs; address < monitor_iocsrs + 8; address += 4) {
    say("iocsr", address, iocsr_read32(address));
  }
}

// As firmware's loop leaves a CPU that it starts: those registers alone that have a value then.
struct Second {
  uint64_t crmd, euen, ecfg, cpuid, tid, tcfg, ipi_enable;
};
constinit Second second{};

void look(uint64_t) {
  second = {.crmd = crmd::read(),
            .euen = Csr<0x2>::read(),
            .ecfg = ecfg::read(),
            .cpuid = cpuid::read(),
            .tid = tid::read(),
            .tcfg = tcfg::read(),
            .ipi_enable = iocsr_read32(0x1004)};
}

void dump_second() {
  if (smp::count() < 2 || smp::start(1, look, 0) != 0) return;
  if (!within(10'000, [] { return smp::is_off(1); })) return print("reg cpu1 0x0 fault");
  say("cpu1", 0x0, second.crmd);
  say("cpu1", 0x2, second.euen);
  say("cpu1", 0x4, second.ecfg);
  say("cpu1", 0x20, second.cpuid);
  say("cpu1", 0x40, second.tid);
  say("cpu1", 0x41, second.tcfg);
  say("cpu1", 0x1004, second.ipi_enable);
}

}  // namespace

extern "C" void guest_main(uint64_t handover) {
  read_uart();
  read_machine(handover);
  print("inventory: EIOINTC");
  dump_uart();
  dump_words();
  dump_csrs("csr");
  dump_iocsrs();
  dump("pch-pic", pch_pic_base, 0x400);
  dump("pch-msi", pch_msi_base, 8);
  dump("rtc", rtc_base, 0x100);
  dump("ged", ged_base, 4);
  for (uint64_t n = 0; n < 3; ++n) say("ged", 0x1c + n, read8(power_register + n));
  dump("pci", bridge_base, 0x100);
  dump_second();
  print("inventory: that is all");
}
