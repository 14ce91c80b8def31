// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "attacks.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
constexpr uint64_t gibibyte = uint64_t{1} << 30;

// With the MMU off a virtual address is the guest-physical one.
void set_mmu(bool on) {
  const uint64_t value = sctlr_el1::read();
  asm volatile("dsb sy" ::: "memory");
  sctlr_el1::write(on ? value | 1 : value & ~uint64_t{1});
}

bool is_ours(uint64_t address) { return address >= ram_base - 64 && address < ram_base + gibibyte; }

void touch(uint64_t address, unsigned form) {
  (void)attempt([=] {
    switch (form % 10) {
      case 0: asm volatile("ldr w9, [%0]" : : "r"(address) : "x9", "memory"); break;
      case 1: asm volatile("str xzr, [%0]" : : "r"(address) : "memory"); break;
      case 2: asm volatile("ldp x9, x10, [%0]" : : "r"(address) : "x9", "x10", "memory"); break;
      case 3: asm volatile("stp xzr, xzr, [%0]" : : "r"(address) : "memory"); break;
      case 4: asm volatile("ldrb w9, [%0], #1" : : "r"(address) : "x9", "memory"); break;
      case 5: asm volatile("ldxr x9, [%0]" : : "r"(address & ~7ull) : "x9", "memory"); break;
      case 6: asm volatile("stxr w9, xzr, [%0]" : : "r"(address & ~7ull) : "x9", "memory"); break;
      case 7: asm volatile(".arch_extension simd\n ldr q0, [%0]" : : "r"(address) : "memory"); break;
      case 8: asm volatile("prfm pldl1keep, [%0]" : : "r"(address) : "memory"); break;
      default: asm volatile("dc zva, %0" : : "r"(address) : "memory"); break;
    }
  });
}
}  // namespace

void touch_any_address() {
  Noise noise{4};
  set_mmu(false);
  for (unsigned i = 0; i < 20'000; ++i) {
    const unsigned width = 20 + static_cast<unsigned>(noise.below(32));
    const uint64_t address = noise() & ((uint64_t{1} << width) - 1);
    if (is_ours(address)) continue;
    touch(address, i);
    ++deeds;
  }
  set_mmu(true);
}

// Page tables that lie where there is no RAM: the walk itself faults at stage 2.
void translate_from_anywhere() {
  Noise noise{5};
  const uint64_t good = ttbr0_el1::read();
  constexpr uint64_t high_half = ~uint64_t{0} << 39;
  const uint64_t old_tcr = tcr_el1::read();
  // Let TTBR1 translate too, 39 bits, and walk from every strange place.
  tcr_el1::write((old_tcr & ~(uint64_t{1} << 23)) | uint64_t{25} << 16 | uint64_t{2} << 30);
  for (unsigned i = 0; i < 2000; ++i) {
    uint64_t table = noise() & 0xffff'ffff'f000;
    if (i % 4 == 0) table = uart_base;
    if (i % 4 == 1) table = hole_base + (noise() & 0xf'f000);
    if (is_ours(table)) continue;
    ttbr1_el1::write(table);
    asm volatile("tlbi vmalle1\n dsb sy\n isb" ::: "memory");
    touch(high_half | (noise() & 0x7f'ffff'ffff), i);
    (void)attempt([&] {
      asm volatile("at s1e1r, %0\n isb" : : "r"(high_half | (noise() & 0x7f'ffff'f000)) : "memory");
    });
    ++deeds;
  }
  tcr_el1::write(old_tcr);
  ttbr0_el1::write(good);
}

// Valid tables of ours that map every output address there is.
void map_everything() {
  alignas(4096) static constinit std::array<uint64_t, 512> table{};
  Noise noise{6};
  constexpr uint64_t high_half = ~uint64_t{0} << 39;
  const uint64_t old_tcr = tcr_el1::read();
  tcr_el1::write((old_tcr & ~(uint64_t{1} << 23)) | uint64_t{25} << 16 | uint64_t{2} << 30);
  for (unsigned round = 0; round < 64; ++round) {
    for (uint64_t& entry : table) {
      const bool leaf = noise.below(2) == 0;
      const uint64_t output = noise() & 0xffff'c000'0000;
      entry = (leaf ? output : noise() & 0xffff'ffff'f000) | 1u << 10 | (leaf ? 1 : 3);
      if (is_ours(entry & 0xffff'ffff'f000)) entry = 0;
    }
    ttbr1_el1::write(reinterpret_cast<uint64_t>(table.data()));
    asm volatile("tlbi vmalle1\n dsb sy\n isb" ::: "memory");
    for (unsigned i = 0; i < 200; ++i) touch(high_half | (noise() & 0x7f'ffff'ffff), i);
    ++deeds;
  }
  tcr_el1::write(old_tcr);
}

void maintain_any_cache() {
  Noise noise{7};
  for (unsigned i = 0; i < 20'000; ++i) {
    const uint64_t address = i % 2 == 0 ? noise() & 0x7fff'ffff : noise();
    if (is_ours(address)) continue;
    (void)attempt([=] {
      switch (i % 8) {
        case 0: asm volatile("dc civac, %0" : : "r"(address) : "memory"); break;
        case 1: asm volatile("dc cvac, %0" : : "r"(address) : "memory"); break;
        case 2: asm volatile("dc ivac, %0" : : "r"(address) : "memory"); break;
        case 3: asm volatile("dc isw, %0" : : "r"(address & 0xf000'fff0) : "memory"); break;
        case 4: asm volatile("dc cisw, %0" : : "r"(address & 0xf000'fff0) : "memory"); break;
        case 5: asm volatile("ic ivau, %0" : : "r"(address) : "memory"); break;
        case 6: asm volatile("tlbi vae1is, %0" : : "r"(address >> 12) : "memory"); break;
        default: asm volatile("tlbi aside1is, %0" : : "r"(address << 48) : "memory"); break;
      }
    });
    ++deeds;
  }
}

}  // namespace hostile
