// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "attacks.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
struct Window {
  uint64_t base;
  uint64_t size;
};
// Every device of `virt` that a VM may have, with some of what lies between them.
constexpr std::array windows{
    Window{gicd_base, 0x1'0000},   Window{gicc_base, 0x2'0000},   Window{0x0802'0000, 0x2'0000},
    Window{0x0808'0000, 0x2'0000}, Window{gicr_base, 0x8'0000},   Window{uart_base, 0x1000},
    Window{rtc_base, 0x1000},      Window{0x0902'0000, 0x1000},   Window{0x0903'0000, 0x1000},
    Window{0x0a00'0000, 0x4000},   Window{0x3f00'0000, 0x10'0000}};

void poke(uint64_t address, uint64_t value, unsigned form) {
  (void)attempt([=] {
    switch (form % 8) {
      case 0: asm volatile("ldrb w9, [%0]" : : "r"(address) : "x9", "memory"); break;
      case 1: asm volatile("ldrh w9, [%0]" : : "r"(address) : "x9", "memory"); break;
      case 2: asm volatile("ldr w9, [%0]" : : "r"(address) : "x9", "memory"); break;
      case 3: asm volatile("ldr x9, [%0]" : : "r"(address) : "x9", "memory"); break;
      case 4: asm volatile("strb %w1, [%0]" : : "r"(address), "r"(value) : "memory"); break;
      case 5: asm volatile("strh %w1, [%0]" : : "r"(address), "r"(value) : "memory"); break;
      case 6: asm volatile("str %w1, [%0]" : : "r"(address), "r"(value) : "memory"); break;
      default: asm volatile("str %1, [%0]" : : "r"(address), "r"(value) : "memory"); break;
    }
  });
}

[[noreturn]] void flood(uint64_t) {
  mask_interrupts();
  while (true) {
    write32(gicd_base + 0x100, 0);
    (void)read32(uart_base + 0x18);
    write32(gicd_base + 0x500, ~0u);
  }
}
}  // namespace

void flood_registers() {
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, flood, 0);
  flood(0);
}

void flood_console() {
  while (true) uart.put("all work and no play makes a guest a dull guest\n");
}

void poke_every_device() {
  Noise noise{9};
  mask_interrupts();
  for (unsigned i = 0; i < 100'000; ++i) {
    const Window& window = windows[noise.below(windows.size())];
    const uint64_t address = window.base + noise.below(window.size);
    // Aligned more often than not, and not the UART's data register: noise on the console hides what follows.
    const unsigned form = static_cast<unsigned>(noise.below(8));
    const uint64_t aligned = noise.below(8) == 0 ? address : address & ~((uint64_t{1} << form % 4) - 1);
    if (aligned >= uart_base && aligned < uart_base + 4) continue;
    poke(aligned, noise(), form);
    ++deeds;
  }
  write32(uart_base + 0x30, 0x301);
  write32(uart_base + 0x38, 0);
}

// Shapes that carry no syndrome, some of which nobody can emulate: they may fail, but only here.
void access_devices_strangely() {
  const uint64_t at = uart_base + 0xfe0;
  const uint64_t edge = uart_base + 0xffc;
  for (unsigned i = 0; i < 100; ++i) {
    (void)attempt([=] { asm volatile("ldxr w9, [%0]\n stxr w10, w9, [%0]" : : "r"(at) : "x9", "x10", "memory"); });
    (void)attempt([=] {
      asm volatile("ldxp w9, w10, [%0]\n stxp w11, w9, w10, [%0]" : : "r"(at) : "x9", "x10", "x11", "memory");
    });
    (void)attempt([=] {
      asm volatile(".arch_extension lse\n ldadd w9, w10, [%0]" : : "r"(at) : "x9", "x10", "memory");
    });
    (void)attempt([=] { asm volatile(".arch_extension lse\n swp x9, x10, [%0]" : : "r"(at) : "x9", "x10", "memory"); });
    (void)attempt([=] { asm volatile(".arch_extension simd\n ldr q0, [%0]" : : "r"(at) : "memory"); });
    (void)attempt([=] { asm volatile(".arch_extension simd\n ldp q0, q1, [%0]" : : "r"(at) : "memory"); });
    (void)attempt([=] { asm volatile(".arch_extension simd\n ld1 {v0.4s}, [%0]" : : "r"(at) : "memory"); });
    (void)attempt([=] { asm volatile("ldp x9, x10, [%0]" : : "r"(edge) : "x9", "x10", "memory"); });
    (void)attempt([=] { asm volatile("ldr x9, [%0]" : : "r"(edge + 1) : "x9", "memory"); });
    (void)attempt([=] { asm volatile("stp x9, x10, [%0, #-16]!" : : "r"(edge + 4) : "memory"); });
    (void)attempt([=] { asm volatile("dc zva, %0" : : "r"(rtc_base) : "memory"); });
    (void)attempt([=] { asm volatile("dc civac, %0" : : "r"(uart_base) : "memory"); });
    ++deeds;
  }
}

void storm_of_timers() {
  on_interrupt([](uint32_t) {});  // never silenced: it is back the moment it ends
  gic::enable(virtual_timer_interrupt);
  cntv_cval_el0::write(0);
  cntv_ctl_el0::write(1);
  unmask_interrupts();
  while (true) asm volatile("");
}

void storm_of_sgis() {
  on_interrupt([](uint32_t) {});
  constexpr auto receive = [](uint64_t) {
    gic::enable_cpu();
    gic::enable(1);
    unmask_interrupts();
    while (true) gic::send_to_others(1);
  };
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, receive, 0);
  receive(0);
}

}  // namespace hostile
