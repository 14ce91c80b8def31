// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/layout.hpp"
#include "hal/base/address.hpp"
#include "hal/platform/loongarch.hpp"
#include "hal/platform/platform.hpp"

// Between head.S and the layers above: who we are, where we are.
namespace arch::boot {

// The machine as the FDT describes it; complete before anything but the boot code runs.
[[nodiscard]] const hal::Platform& platform();
[[nodiscard]] const hal::LoongArchPlatform& loongarch_platform();

// The windows' two ways to see physical memory, and back.
[[nodiscard]] constexpr hal::HostVirt cached(hal::HostPhys place) {
  return hal::HostVirt(PLINTH_CACHED_BASE | place.value());
}
[[nodiscard]] constexpr hal::HostVirt uncached(hal::HostPhys place) {
  return hal::HostVirt(PLINTH_UNCACHED_BASE | place.value());
}
[[nodiscard]] inline hal::HostPhys phys(const void* in_window) {
  return hal::HostPhys(reinterpret_cast<uintptr_t>(in_window) & 0xffff'ffff'ffff);
}

}  // namespace arch::boot
