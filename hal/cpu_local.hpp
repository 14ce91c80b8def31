// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hal {

// The first 64 bytes of a CPU's data, which hal::Cpu::local() points at. Assembler on the exit path may use the
// offsets; everything behind them belongs to task::Cpu.
struct CpuLocal {
  // Not zero: run the scheduler (task::reschedule()) before the guest is entered again. Any CPU sets it, followed by an
  // IPI where that CPU may already be in its guest; only its own scheduler clears it.
  std::atomic<uint32_t> resched{0};
  uint32_t index = 0;            // hal::CpuIndex
  void* current_task = nullptr;  // task::Task that runs here
  void* loaded_guest = nullptr;  // the vCPU whose registers this CPU holds, running or not; kept by the vmm
  uint64_t arch_words[5] = {};   // arch/ keeps here what its exception entry needs
};

inline constexpr size_t cpu_local_resched = 0;
inline constexpr size_t cpu_local_index = 4;
inline constexpr size_t cpu_local_current_task = 8;
inline constexpr size_t cpu_local_loaded_guest = 16;
inline constexpr size_t cpu_local_arch_words = 24;

static_assert(std::is_standard_layout_v<CpuLocal> && sizeof(CpuLocal) == 64);
static_assert(offsetof(CpuLocal, resched) == cpu_local_resched && offsetof(CpuLocal, index) == cpu_local_index);
static_assert(offsetof(CpuLocal, current_task) == cpu_local_current_task);
static_assert(offsetof(CpuLocal, loaded_guest) == cpu_local_loaded_guest);
static_assert(offsetof(CpuLocal, arch_words) == cpu_local_arch_words);

}  // namespace hal
