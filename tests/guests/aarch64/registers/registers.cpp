// SPDX-License-Identifier: Apache-2.0
// Every system register there can be, by its encoding: which can be read, which keep what is written. Prints
// `has ID VALUE` for each that can be read; told to `write`, inverts what it may in each, prints `wrote ID OLD NEW` where
// that made a difference, and leaves it so for whoever has the CPU next.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "cpu.hpp"
#include "machine.hpp"
#include "trap.hpp"

using namespace guest;

namespace {

// The encoding of MRS and MSR (DDI 0487, C5.2) without op0's upper bit, which is set.
constexpr uint32_t encodings = 1 << 15;
constexpr uint32_t mrs_x0 = 0xd530'0000, msr_x0 = 0xd510'0000, instruction_barrier = 0xd503'3fdf, ret = 0xd65f'03c0;
constexpr uint32_t encoding(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return (op0 - 2) << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

alignas(64) constinit std::array<uint32_t, 3> code{};

// One instruction on x0, whatever it does; false if it is UNDEFINED or traps.
bool execute(uint32_t instruction, uint64_t& value) {
  code = {instruction, instruction_barrier, ret};
  asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code.data()) : "memory");
  register uint64_t x0 asm("x0") = value;
  const Fault fault = attempt([&] {
    asm volatile("blr %1" : "+r"(x0) : "r"(code.data()) : "x30", "cc", "memory");
  });
  value = x0;
  return !fault.taken;
}

bool read(uint32_t id, uint64_t& value) { return execute(mrs_x0 | id << 5, value); }
bool write(uint32_t id, uint64_t value) { return execute(msr_x0 | id << 5, value); }

// What this guest needs to go on: only these bits may be inverted.
struct Needed {
  uint32_t id;
  uint64_t harmless;
};
constexpr auto needed = std::to_array<Needed>({
    {encoding(3, 0, 1, 0, 0), 1 << 26 | 1 << 15},          // SCTLR_EL1: UCI, UCT
    {encoding(3, 0, 1, 0, 2), 1 << 21},                    // CPACR_EL1: half of FPEN
    {encoding(3, 0, 2, 0, 0), uint64_t{0xff} << 48},       // TTBR0_EL1: the ASID
    {encoding(3, 0, 2, 0, 1), uint64_t{0xff} << 48},       // TTBR1_EL1
    {encoding(3, 0, 2, 0, 2), uint64_t{1} << 37},          // TCR_EL1: TBI0
    {encoding(3, 0, 10, 2, 0), uint64_t{0xffff'ffff} << 32},  // MAIR_EL1: attributes that no entry names
    {encoding(3, 0, 12, 0, 0), 0},                         // VBAR_EL1: exceptions come all the time
});

// Fields of PSTATE (CRn 4, CRm 2): an exception saves them.
constexpr bool is_pstate(uint32_t id) { return (id >> 3 & 0xff) == 0x42; }

uint64_t harmless(uint32_t id) {
  if (is_pstate(id)) return 0;
  const auto* const found = std::ranges::find(needed, id, &Needed::id);
  return found != needed.end() ? found->harmless : ~uint64_t{0};
}

void leave_behind(uint32_t id) {
  uint64_t old = 0, now = 0;
  if (harmless(id) == 0 || !read(id, old) || !write(id, old ^ harmless(id)) || !read(id, now)) return;
  if (now != old) print("wrote {:#x} {:#x} {:#x}", id, old, now);
}

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  cpacr_el1::write(cpacr_el1::read() | 3 << 16);  // ZCR_EL1, too, where there is SVE
  const bool writes = machine.arguments == "write";
  for (uint32_t id = 0; id < encodings; ++id) {
    uint64_t value = 0;
    if (writes) {
      leave_behind(id);
    } else if (read(id, value)) {
      print("has {:#x} {:#x}", id, value);
    }
  }
  print("registers: done");
  while (writes) wait_for_interrupt();
}
