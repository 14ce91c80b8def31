// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/boot_memory.hpp"
#include "hal/cpu_index.hpp"
#include "hal/platform/arm.hpp"
#include "hal/platform/platform.hpp"

// Between head.S and the layers above: who we are, where we are, and how other CPUs follow.
namespace arch::boot {

// The machine as the FDT describes it; complete before anything but the boot code runs.
[[nodiscard]] const hal::Platform& platform();
[[nodiscard]] const hal::ArmPlatform& arm_platform();

// Where the image lies, by section. `start` is also what MMU-off code is relative to.
[[nodiscard]] hal::HostPhys image_phys(const void* in_image);

// Change TTBR0_EL2 with the MMU off in between; the identity-mapped page is mapped by both trees.
void exchange_host_root(hal::HostPhys root);

}  // namespace arch::boot
