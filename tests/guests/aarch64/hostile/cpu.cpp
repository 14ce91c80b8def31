// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "attacks.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
[[noreturn]] void spin(uint64_t) {
  mask_interrupts();
  asm volatile("msr daifset, #0xf");
  while (true) asm volatile("");
}
}  // namespace

void spin_with_interrupts_off() { spin(0); }

void spin_on_every_cpu() {
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, spin, 0);
  spin(0);
}

void wait_forever() {
  asm volatile("msr daifset, #0xf");
  while (true) wait_for_interrupt();
}

// Every instruction fetch faults, the handler's included.
void fault_forever() {
  vbar_el1::write(hole_base);
  asm volatile("svc #0");
}

void jump_anywhere() {
  Noise noise{1};
  for (unsigned i = 0; i < 2000; ++i) {
    // Not into our own RAM: there the jump would succeed.
    uint64_t target = noise() & 0xff'ffff'fffc;
    if (i % 2 == 0) target &= 0x3fff'fffc;
    if (target >= ram_base && target < ram_base + (uint64_t{1} << 30)) continue;
    (void)attempt([=] { asm volatile("blr %0" : : "r"(target) : "x30", "memory"); });
    ++deeds;
  }
}

// An exception return to a state that does not exist (DDI 0487, D1.4.2): EL2, EL3, AArch32, reserved bits.
void return_to_illegal_states() {
  Noise noise{2};
  for (unsigned i = 0; i < 2000; ++i) {
    const uint64_t state = (noise() & 0xfff0'03df) | 0x3c0;
    const bool legal =
        (state & 0x1f) == 0x05 || (state & 0x1f) == 0x04 || (state & 0x1f) == 0 || (state & 0x1f) == 0x10;
    if (legal) continue;
    (void)attempt([=] {
      asm volatile(
          "mov x9, sp\n adr x10, 1f\n msr elr_el1, x10\n msr spsr_el1, %0\n eret\n"
          "1: nop\n nop\n"
          :
          : "r"(state)
          : "x9", "x10", "memory");
    });
    asm volatile("msr daifset, #0xf\n isb");
    ++deeds;
  }
}

namespace {
alignas(64) constinit std::array<uint32_t, 16> code{};
constexpr uint32_t mrs_x0 = 0xd520'0000;
constexpr uint32_t msr_x0 = 0xd500'0000;
constexpr uint32_t ret = 0xd65f'03c0;
constexpr uint32_t nop = 0xd503'201f;

struct Encoding {
  unsigned op0, op1, crn, crm, op2;
  [[nodiscard]] uint32_t bits() const { return op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5; }
  // What we cannot change and live: translation, vectors, exception state, the timers' kick and the CPU interface.
  [[nodiscard]] bool keeps_us_alive() const {
    if (op0 == 2) return true;
    return op1 == 0 && (crn == 1 || crn == 2 || crn == 4 || crn == 10 || crn == 12);
  }
};

// Run the instruction with `x0`; returns what X0 holds afterwards.
uint64_t execute(uint32_t instruction, uint64_t x0, bool& faulted) {
  code = {instruction, nop, ret};
  asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code.data()) : "memory");
  uint64_t result = x0;
  const Fault fault = attempt([&] {
    register uint64_t r0 asm("x0") = x0;
    asm volatile("blr %1" : "+r"(r0) : "r"(code.data()) : "x30", "memory");
    result = r0;
  });
  faulted = fault.taken;
  return result;
}

void touch(const Encoding& encoding, Noise& noise) {
  bool faulted = false;
  const uint64_t value = execute(mrs_x0 | encoding.bits(), 0, faulted);
  (void)execute(msr_x0 | encoding.bits(), faulted ? 0 : value, faulted);
  if (faulted || encoding.keeps_us_alive()) return;
  (void)execute(msr_x0 | encoding.bits(), noise(), faulted);
  (void)execute(msr_x0 | encoding.bits(), value, faulted);
}
}  // namespace

// Every encoding of MRS and MSR (register): op0 2 and 3.
void touch_every_system_register() {
  Noise noise{3};
  asm volatile("msr daifset, #0xf");
  for (unsigned i = 0; i < 1u << 15; ++i) {
    touch({2 + (i >> 14), i >> 11 & 7, i >> 7 & 15, i >> 3 & 15, i & 7}, noise);
    ++deeds;
  }
}

}  // namespace hostile
