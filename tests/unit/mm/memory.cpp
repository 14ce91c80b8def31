// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <array>

#include "mm/frames.hpp"
#include "mm/host_space.hpp"

void start_mm() {
  static bool started = false;
  if (started) return;
  started = true;
  arch::Mmu::reset();
  const std::array ram{fake_ram};
  const std::array usable{hal::HostPhysRange{fake_ram.start + fake_image.size, fake_ram.size - fake_image.size}};
  const hal::BootMemory boot{.ram = ram,
                             .usable = usable,
                             .boot_free = {fake_ram.start + fake_image.size, 2 * hal::mib - fake_image.size},
                             .image = fake_image.start,
                             .text = {fake_text, 64 * hal::kib},
                             .rodata = {fake_text + 64 * hal::kib, 32 * hal::kib},
                             .data = {fake_text + 96 * hal::kib, 32 * hal::kib},
                             .identity = {fake_image.start + 8 * hal::kib, 4 * hal::kib}};
  mm::init(boot).value();
}
