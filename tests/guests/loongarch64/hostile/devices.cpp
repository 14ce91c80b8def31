// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "access.hpp"
#include "attacks.hpp"
#include "cpu.hpp"
#include "ipi.hpp"
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
// Every device of `virt` that a VM may have, with some of what lies between them; not what ends the VM.
constexpr std::array windows{
    Window{pch_pic_base, 0x1000},  Window{0x100d'0000, 0x200},    Window{0x100e'0000, 0x10},
    Window{0x1800'0000, 0x4000},   Window{hole_base, 0x10'0000},  Window{uart_base, 0x100},
    Window{0x2000'0000, 0x800'0000}, Window{pch_msi_base, 0x1000},  Window{0x4000'0000, 0x1000'0000}};

void calm_the_uart() {
  write8(uart_base + 3, 0x03);  // LCR: 8 bits, no divisor latch
  write8(uart_base + 4, 0x0b);  // MCR: no loopback
  write8(uart_base + 1, 0);
}

[[noreturn]] void flood(uint64_t) {
  mask_interrupts();
  while (true) {
    iocsr_write32(0x1600, 0);
    (void)read8(uart_base + 5);
    write32(pch_pic_base + 0x20, ~0U);
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
    const uint64_t place = window.base + noise.below(window.size);
    const auto form = static_cast<unsigned>(noise.below(access_forms));
    // Aligned more often than not, and not the UART's data register: noise on the console hides what follows.
    const uint64_t aligned = noise.below(8) == 0 ? place : place & ~((uint64_t{1} << form % 4) - 1);
    if (aligned >= uart_base - 8 && aligned <= uart_base) continue;
    access(uncached | aligned, noise(), form);
    ++deeds;
  }
  calm_the_uart();
}

// Instructions that nobody can carry out on a device, and addresses that no device has whole.
void access_devices_strangely() {
  const uint64_t at = uncached | (uart_base + 8);
  for (unsigned i = 0; i < 100; ++i) {
    (void)attempt([=] { asm volatile("ll.w $t0, %0, 0\n sc.w $t0, %0, 0" : : "r"(at) : "$t0", "memory"); });
    (void)attempt([=] { asm volatile("ll.d $t0, %0, 0\n sc.d $t0, %0, 0" : : "r"(at) : "$t0", "memory"); });
    (void)attempt([=] { asm volatile("amadd.w $t1, $t0, %0" : : "r"(at) : "$t0", "$t1", "memory"); });
    (void)attempt([=] { asm volatile("amswap.d $t1, $t0, %0" : : "r"(at) : "$t0", "$t1", "memory"); });
    (void)attempt([=] { asm volatile("ldptr.d $t0, %0, 0" : : "r"(at) : "$t0", "memory"); });
    (void)attempt([=] { asm volatile("stx.w $t0, %0, $zero" : : "r"(at) : "memory"); });
    (void)attempt([=] { asm volatile("ldgt.d $t0, %0, $zero" : : "r"(at) : "$t0", "memory"); });
    (void)attempt([=] { asm volatile("preld 0, %0, 0" : : "r"(at) : "memory"); });
    (void)attempt([=] {
      register uint64_t place asm("$a0") = at;
      asm volatile(".word 0x2b800080\n .word 0x2c000080" : : "r"(place) : "memory");  // fld.d $fa0 and vld $vr0, $a0, 0
    });
    for (uint64_t edge = uart_base + 0xf9; edge < uart_base + 0x100; ++edge) access(uncached | edge, 0, 3 + i % 2 * 4);
    ++deeds;
  }
  calm_the_uart();
}

// Timers that are due at once, in the past and at the end of time, never silenced.
void storm_of_timers() {
  Noise noise{10};
  on_interrupt([](unsigned) {});
  ecfg::write(uint64_t{1} << timer_interrupt);
  unmask_interrupts();
  while (true) {
    for (const uint64_t period : {uint64_t{0}, uint64_t{4}, ~uint64_t{0}, noise()}) {
      tcfg::write(period | tcfg_enable);
      tval::write(noise());
      ticlr::write(noise.below(2));
    }
  }
}

// To every CPU, whether there is one or not.
void storm_of_ipis() {
  on_interrupt([](unsigned) {});
  constexpr auto receive = [](uint64_t seed) {
    Noise noise{seed + 1};
    iocsr_write32(ipi::enable, ~0U);
    ecfg::write(uint64_t{1} << ipi_interrupt);
    while (true) {
      // Both ways: taken, and left pending.
      if (noise.below(2) == 0) unmask_interrupts();
      mask_interrupts();
      iocsr_write32(ipi::send_register, static_cast<uint32_t>(noise()));
      ipi::send(static_cast<unsigned>(noise.below(4)), static_cast<unsigned>(1 + noise.below(31)));
      iocsr_write64(ipi::mail_send_register, (noise() & ~uint64_t{0x3ff'001c}) | noise.below(4) << 16 | 1 << 3);
      iocsr_write64(0x1158, noise());
      iocsr_write32(ipi::clear, static_cast<uint32_t>(noise()));
    }
  };
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, receive, cpu);
  receive(0);
}

void start_and_stop_forever() {
  Noise noise{11};
  while (true) {
    for (unsigned cpu = 1; cpu < smp::count(); ++cpu) {
      if (smp::is_off(cpu)) (void)smp::start(cpu, [](uint64_t) {}, 0);
      ipi::send(static_cast<unsigned>(noise.below(8)), 0);
    }
  }
}

// Vectors that are routed, raised, enabled and cleared at once, on all CPUs.
void confuse_the_interrupt_controller() {
  constexpr auto confuse = [](uint64_t seed) {
    Noise noise{seed};
    mask_interrupts();
    for (unsigned i = 0; i < 20'000; ++i) {
      const auto word = static_cast<uint32_t>(noise.below(0x800) & ~uint64_t{3});
      iocsr_write32(0x1400 + word, static_cast<uint32_t>(noise()));
      iocsr_write64(static_cast<uint32_t>(0x1800 + noise.below(4) * 8), noise());
      if (i % 8 == 0) iocsr_write32(0x4000'0004, static_cast<uint32_t>(noise()));
      write32(pch_msi_base, static_cast<uint32_t>(noise()));
      write32(pch_pic_base + noise.below(0x100) * 4, static_cast<uint32_t>(noise()));
      if (seed == 1) ++deeds;
    }
  };
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, confuse, 1 + cpu);
  confuse(1);
}

}  // namespace hostile
