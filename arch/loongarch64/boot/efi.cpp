// SPDX-License-Identifier: Apache-2.0
// The image as an EFI application: from firmware's call to where a boot loader would have jumped.
#include <cstddef>
#include <cstdint>
#include <span>

#include "arch/layout.hpp"
#include "hal/efi/application.hpp"
#include "hal/efi/firmware.hpp"
#include "hal/efi/relocate.hpp"

// Defined by boot/efi.S.
extern "C" [[noreturn]] void efi_leave(hal::HostPhys hand_over, hal::HostPhys image);

namespace arch {

extern "C" hal::efi::Status efi_main(hal::efi::Handle handle, const hal::efi::SystemTable* system,
                                     const std::byte* image, const std::byte* image_end, const uint64_t* relocations,
                                     const uint64_t* relocations_end) {
  const hal::efi::Taken taken = hal::efi::take_machine(handle, *system, {{image, image_end}, PLINTH_BOOT_BLOCK});
  if (taken.hand_over == nullptr) return taken.status;
  const hal::efi::HandOver& hand_over = *taken.hand_over;
  // It runs in the cached window, wherever memory was free.
  const std::span copy(hal::efi::at(hand_over.image), static_cast<size_t>(image_end - image));
  const hal::HostVirt place(PLINTH_CACHED_BASE | hand_over.image.value());
  if (!hal::efi::relocate(copy, {relocations, relocations_end}, hal::HostVirt(PLINTH_IMAGE_BASE), place))
    __builtin_trap();
  efi_leave(hal::HostPhys(reinterpret_cast<uintptr_t>(&hand_over)), hand_over.image);
}

}  // namespace arch
