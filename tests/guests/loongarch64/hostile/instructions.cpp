// SPDX-License-Identifier: Apache-2.0
#include "attacks.hpp"
#include "code.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace hostile {

namespace {
constexpr unsigned csrs = 1 << 14;
constexpr uint32_t csr_instruction = 0x0400'0000, gcsr_instruction = 0x0500'0000;
constexpr uint32_t write_form = 1 << 5;

// What we cannot change and live: mode, where exceptions go and come back to, windows.
bool keeps_us_alive(unsigned csr) {
  return csr <= 0x1 || csr == 0xc || csr == 0x88 || csr == 0x8a || csr == 0x8f || (csr >= 0x90 && csr <= 0x93) ||
         (csr >= 0x180 && csr <= 0x183);
}

void touch_registers(uint32_t instruction, bool all) {
  Code code;
  Noise noise{3};
  mask_interrupts();
  for (unsigned csr = 0; csr < csrs; ++csr) {
    const uint32_t number = csr << 10 | rd_a0;
    uint64_t value = 0;
    const bool readable = !code.execute(instruction | number, value, 0).taken;
    uint64_t written = readable ? value : 0;
    if (readable || all) (void)code.execute(instruction | number | write_form, written, 0);
    if (all || !keeps_us_alive(csr)) {
      written = noise();
      (void)code.execute(instruction | number | write_form, written, 0);
      written = noise();
      (void)code.execute(instruction | number | rj_a1, written, noise());
      (void)code.execute(instruction | number | write_form, value, 0);
    }
    ++deeds;
  }
}
}  // namespace

// CSRRD, CSRWR and CSRXCHG of every number, LVZ's own among them.
void touch_every_system_register() { touch_registers(csr_instruction, false); }

// The same for the bank of a guest that this guest does not have.
void touch_every_guest_register() { touch_registers(gcsr_instruction, true); }

// Every address in each width, aligned or not. Numbers of the sixteen bits that there are, of the monitor's block, and
// others.
void touch_every_io_register() {
  Code code;
  Noise noise{4};
  constexpr uint32_t iocsr_instruction = 0x0648'0000;
  mask_interrupts();
  const auto touch = [&](uint64_t address, uint32_t form) {
    uint64_t value = noise();
    (void)code.execute(iocsr_instruction | form << 10 | rj_a1 | rd_a0, value, address);
    ++deeds;
  };
  for (uint64_t address = 0; address < 0x1'0000; address += 4) {
    touch(address, 2);                                                       // read a word
    touch(address + noise.below(4), static_cast<uint32_t>(noise.below(8)));  // anything
  }
  for (unsigned i = 0; i < 2000; ++i) {
    touch(0x4000'0000 + noise.below(0x100), static_cast<uint32_t>(noise.below(8)));
    touch(noise() >> noise.below(64), static_cast<uint32_t>(noise.below(8)));
  }
}

// All codes of CACOP, by address and by index.
void maintain_any_cache() {
  Code code;
  Noise noise{7};
  constexpr uint32_t cacop_instruction = 0x0600'0000;
  for (unsigned i = 0; i < 20'000; ++i) {
    uint64_t unused = 0;
    const uint64_t own = reinterpret_cast<uint64_t>(&code);
    const uint64_t place = i % 3 == 0 ? own : i % 3 == 1 ? cached | (noise() & 0xffff'ffff'ffff) : noise() & 0xf'ffff;
    (void)code.execute(cacop_instruction | static_cast<uint32_t>(noise() & 0x3f'fc00) | rj_a1 | (i & 31), unused, place);
    ++deeds;
  }
}

// TLB instructions, also those for a guest, INVTLB with every operation, page walks.
void maintain_any_translation() {
  Code code;
  Noise noise{8};
  constexpr uint32_t tlb_instruction = 0x0648'2000, invtlb_instruction = 0x0649'8000, lddir = 0x0640'0000;
  mask_interrupts();
  for (unsigned i = 0; i < 20'000; ++i) {
    uint64_t value = noise();
    (void)code.execute(tlb_instruction | static_cast<uint32_t>(noise.below(8)) << 10 | (i & 1), value, 0);
    value = noise();
    (void)code.execute(invtlb_instruction | 4 << 10 | rj_a1 | (i & 31), value, noise());
    value = noise();
    (void)code.execute(lddir | static_cast<uint32_t>(noise.below(512)) << 10 | rj_a1 | rd_a0, value,
                       noise() & 0xffff'ffff'f000);
    ++deeds;
  }
}

// HVCL with every code, and with the functions of those that are answered; numbers that look like addresses stay out of
// our RAM.
void call_anything() {
  Noise noise{9};
  Code code;
  constexpr uint32_t hvcl = 0x002b'8000;
  for (unsigned number = 0; number < 1 << 15; ++number) {
    uint64_t function = number % 2 == 0 ? noise() : noise.below(8);
    (void)code.execute(hvcl | number, function, noise() | uint64_t{1} << 46);
    ++deeds;
  }
  for (unsigned i = 0; i < 2000; ++i) {
    uint64_t function = noise.below(4);
    (void)code.execute(hvcl | 0x100, function, i % 2 == 0 ? noise() : noise.below(64));
    ++deeds;
  }
}

}  // namespace hostile
