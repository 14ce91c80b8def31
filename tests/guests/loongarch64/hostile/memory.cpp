// SPDX-License-Identifier: Apache-2.0
#include "access.hpp"
#include "attacks.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace hostile {

namespace {
// With room for an access on either side.
bool is_ours(uint64_t place) {
  return place + 64 >= machine.ram.start.value() && place < machine.ram.start.value() + machine.ram.size + 64;
}
// Where a byte ends or resets the VM, which is no attack.
bool ends_us(uint64_t place) { return place >= power_register - 8 && place <= reset_register; }
}  // namespace

void touch_any_address() {
  Noise noise{4};
  for (unsigned i = 0; i < 20'000; ++i) {
    const auto width = static_cast<unsigned>(20 + noise.below(29));
    const uint64_t place = noise() & ((uint64_t{1} << width) - 1);
    if (is_ours(place) || ends_us(place)) continue;
    access(place | (i % 2 == 0 ? cached : uncached), 0, i);
    ++deeds;
  }
}

// TLB entries of ours that lead to every physical address there is, of all page sizes, with all flags.
void map_everything() {
  using tlbidx = Csr<0x10>;
  using tlbehi = Csr<0x11>;
  using tlbelo0 = Csr<0x12>;
  using tlbelo1 = Csr<0x13>;
  Noise noise{6};
  mask_interrupts();
  for (unsigned i = 0; i < 20'000; ++i) {
    const uint64_t place = noise() & 0xffff'ffff'e000;
    const uint64_t page_bits = i % 4 == 0 ? 12 + noise.below(40) : 12;
    if (is_ours(place) || ends_us(place & ~uint64_t{0x1fff}) || page_bits > 12) {
      // Larger pages would reach around our own RAM: they are put in, and taken out unused.
      tlbidx::write(page_bits << 24 | noise.below(2112));
      tlbehi::write(noise() & 0x7fff'ffff'e000);
      tlbelo0::write(noise());
      tlbelo1::write(noise());
      asm volatile("tlbwr\n invtlb 0, $zero, $zero" ::: "memory");
      continue;
    }
    const uint64_t virtual_place = uint64_t{1} << 40 | (noise() & 0x3f'ffff'e000);
    tlbidx::write(page_bits << 24);
    tlbehi::write(virtual_place);
    tlbelo0::write(place | (noise() & 0x7f) | 1);
    tlbelo1::write(place | 0x1000 | (noise() & 0x7f) | 1);
    asm volatile("tlbfill" ::: "memory");
    access(virtual_place + noise.below(0x2000 - 8), 0, i);
    asm volatile("invtlb 0, $zero, $zero" ::: "memory");
    ++deeds;
  }
}

}  // namespace hostile
