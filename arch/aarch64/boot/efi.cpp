// SPDX-License-Identifier: Apache-2.0
// The image as an EFI application: from firmware's call to where a boot loader would have jumped.
#include <cstddef>
#include <cstdint>

#include "arch/layout.hpp"
#include "hal/efi/application.hpp"
#include "hal/efi/firmware.hpp"

// Defined by boot/efi.S.
extern "C" [[noreturn]] void efi_leave(hal::HostPhys hand_over, hal::HostPhys fdt, hal::HostPhys image);
extern "C" void efi_leave_end();

namespace arch {
namespace {

// To the point of coherency (B2.4.8), for what is read with the MMU off.
void clean(const void* start, uint64_t size) {
  uint64_t ctr;
  asm("mrs %0, ctr_el0" : "=r"(ctr));
  const uint64_t line = uint64_t{4} << ((ctr >> 16) & 0xf);  // DminLine, in words
  const auto begin = reinterpret_cast<uintptr_t>(start);
  for (uint64_t place = begin & ~(line - 1); place < begin + size; place += line) {
    asm volatile("dc cvac, %0" ::"r"(place) : "memory");
  }
  asm volatile("dsb sy" ::: "memory");
}

bool at_el2() {
  uint64_t level;
  asm("mrs %0, CurrentEL" : "=r"(level));
  return level == 2 << 2;
}

}  // namespace

extern "C" hal::efi::Status efi_main(hal::efi::Handle handle, const hal::efi::SystemTable* system,
                                     const std::byte* image, const std::byte* image_end) {
  if (!at_el2()) {
    hal::efi::say(*system,
                  "firmware runs at EL1, but a hypervisor needs EL2 (with QEMU: -machine virt,virtualization=on)");
    return hal::efi::status::unsupported;
  }
  const hal::efi::Taken taken = hal::efi::take_machine(handle, *system, {{image, image_end}, PLINTH_BOOT_BLOCK});
  if (taken.hand_over == nullptr) return taken.status;
  const hal::efi::HandOver& hand_over = *taken.hand_over;
  clean(hal::efi::at(hand_over.image), PLINTH_BOOT_BLOCK);
  clean(reinterpret_cast<const void*>(&efi_leave),
        reinterpret_cast<uintptr_t>(&efi_leave_end) - reinterpret_cast<uintptr_t>(&efi_leave));
  const hal::HostPhysRange& description = hand_over.fdt.empty() ? hand_over.acpi : hand_over.fdt;
  efi_leave(hal::HostPhys(reinterpret_cast<uintptr_t>(&hand_over)), description.start, hand_over.image);
}

}  // namespace arch
