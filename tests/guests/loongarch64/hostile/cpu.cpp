// SPDX-License-Identifier: Apache-2.0
#include "attacks.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
using eentry = Csr<0xc>;
using merrctl = Csr<0x90>;

[[noreturn]] void spin(uint64_t) {
  mask_interrupts();
  while (true) asm volatile("");
}
}  // namespace

void spin_with_interrupts_off() { spin(0); }

void spin_on_every_cpu() {
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, spin, 0);
  spin(0);
}

void wait_forever() {
  mask_interrupts();
  ecfg::write(0);
  while (true) wait_for_interrupt();
}

// Every instruction fetch faults, the handler's included.
void fault_forever() {
  eentry::write(hole_base);
  tlbrentry::write(hole_base);
  asm volatile("syscall 0");
}

void jump_anywhere() {
  Noise noise{1};
  for (unsigned i = 0; i < 2000; ++i) {
    // In the windows, and not into our own RAM: there the jump would succeed.
    const uint64_t place = noise() & (i % 2 == 0 ? 0xffff'ffff'fffc : 0x7fff'fffc);
    if (place >= machine.ram.start.value() && place < machine.ram.start.value() + machine.ram.size) continue;
    const uint64_t target = place | (i % 4 < 2 ? cached : uncached);
    (void)attempt([=] { asm volatile("jirl $ra, %0, 0" : : "r"(target) : "$ra", "memory"); });
    ++deeds;
  }
}

// Levels 1 and 2, which nobody uses, and level 3, none of which has a mapping here; and what would make it the return
// from a machine error.
void return_to_illegal_states() {
  Noise noise{2};
  for (unsigned i = 0; i < 2000; ++i) {
    (void)attempt([&] {
      const uint64_t level = 1 + noise.below(3);
      asm volatile(
          "pcaddi $ra, 6\n"  // where it comes back, which faults at another level
          "move $t0, $ra\n"
          "csrwr $t0, 0x6\n"
          "move $t1, %0\n"
          "csrwr $t1, 0x1\n"
          "ertn\n"
          "nop\n"
          :
          : "r"(level)
          : "$ra", "$t0", "$t1", "memory");
    });
    merrctl::write(noise() & ~uint64_t{1});
    crmd::write(0xb0);
    ++deeds;
  }
}

}  // namespace hostile
