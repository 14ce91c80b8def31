// SPDX-License-Identifier: Apache-2.0
// Every control and status register of the CPU, by its number: what it holds, and which keep what is written. Prints
// `has NUMBER VALUE` for each; told to `write`, inverts what it may in each, prints `wrote NUMBER OLD NEW` where that
// made a difference, and leaves it so for whoever has the CPU next.
#include <algorithm>
#include <array>
#include <cstdint>

#include "code.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace {

// Volume 1, 7.1: the last ones are those of debugging.
constexpr uint32_t numbers = 0x503;
constexpr uint32_t csrrd_instruction = 0x0400'0000, csrwr_instruction = 0x0400'0020;

// What this guest needs to go on: only these bits may be inverted.
struct Needed {
  uint32_t number;
  uint64_t harmless;
};
constexpr auto needed = std::to_array<Needed>({
    {0x0, 0},              // CRMD
    {0x3, 0},              // MISC: what is allowed at which level
    {0x4, 0x1fff},         // ECFG: not where exceptions go
    {0xc, 0},              // EENTRY
    {0x1f, 0},             // RVACFG
    {0x8a, ~uint64_t{1}},  // TLBRERA: whether ERTN ends a refill
    {0x180, 0},            // DMW0
    {0x181, 0},            // DMW1
});

uint64_t harmless(uint32_t number) {
  const auto* const found = std::ranges::find(needed, number, &Needed::number);
  return found != needed.end() ? found->harmless : ~uint64_t{0};
}

constinit Code code;
bool read(uint32_t number, uint64_t& value) {
  return !code.execute(csrrd_instruction | number << 10 | rd_a0, value, 0).taken;
}
bool write(uint32_t number, uint64_t value) {
  return !code.execute(csrwr_instruction | number << 10 | rd_a0, value, 0).taken;
}

void leave_behind(uint32_t number) {
  uint64_t old = 0, now = 0;
  if (harmless(number) == 0 || !read(number, old) || !write(number, old ^ harmless(number)) || !read(number, now))
    return;
  if (now != old) print("wrote {:#x} {:#x} {:#x}", number, old, now);
}

}  // namespace

extern "C" void guest_main(uint64_t handover) {
  read_machine(handover);
  const bool writes = machine.arguments == "write";
  for (uint32_t number = 0; number < numbers; ++number) {
    uint64_t value = 0;
    if (writes) {
      leave_behind(number);
    } else if (read(number, value)) {
      print("has {:#x} {:#x}", number, value);
    }
  }
  print("registers: done");
  while (writes) wait_for_interrupt();
}
