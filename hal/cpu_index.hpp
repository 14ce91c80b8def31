// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hal {

// CPUs are numbered densely from 0, the boot CPU, in the order in which the FDT lists them.
using CpuIndex = unsigned;
inline constexpr CpuIndex max_cpus = 64;

}  // namespace hal
