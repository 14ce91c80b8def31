// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/platform/arm.hpp"

// The firmware below us: PSCI (Arm DEN0022D) by SMC, or by HVC where another hypervisor plays firmware.
namespace arch::psci {

// At EL2 only an SMC reaches firmware; before, where no EL2 was found, an HVC may.
void set_firmware(const hal::FirmwareInfo& firmware, bool at_el2);

// 0, or a negative PSCI error.
[[nodiscard]] int64_t cpu_on(uint64_t hardware_id, hal::HostPhys entry, uint64_t context);
void cpu_off();
void system_off();
void system_reset();

// The workarounds for speculation of DEN0028 section 7, in the terms of SMCCC_ARCH_FEATURES: 0 some CPU needs the call,
// 1 none does, -1 the firmware does not say.
struct Workarounds {
  int32_t branch_prediction = 1;  // ARCH_WORKAROUND_1
  int32_t store_bypass = 1;       // ARCH_WORKAROUND_2
  int32_t branch_history = 1;     // ARCH_WORKAROUND_3
};
// Each CPU asks the firmware what it needs, one after another; then workarounds() has it for all of them.
void join_cpu();
[[nodiscard]] const Workarounds& workarounds();
// Carry out ARCH_WORKAROUND_1 or _3 on the executing CPU.
void clear_branch_prediction();
void clear_branch_history();

}  // namespace arch::psci
