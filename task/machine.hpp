// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "task/cpu_set.hpp"

// What all CPUs of the machine share. Written when a CPU comes up or changes its owner, read at every placement.
// Internal to task/.
namespace task {

inline constinit std::atomic<uint64_t> online_mask{0};
inline constinit std::atomic<uint64_t> dedicated_mask{0};
// CPUs on which tasks wait that could run elsewhere: a hint for those that fall idle.
inline constinit std::atomic<uint64_t> overloaded_mask{0};

[[nodiscard]] inline CpuSet dedicated_cpus() { return CpuSet(dedicated_mask.load(std::memory_order_relaxed)); }

}  // namespace task
