// SPDX-License-Identifier: Apache-2.0
#include "hal/panic.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/panic.hpp"
#include "hal/base/result.hpp"
#include "hal/cpu.hpp"
#include "hal/log.hpp"
#include "hal/upcall.hpp"

extern "C" std::byte image_start[], text_end[];

namespace hal {

namespace {

bool is_text(uint64_t address) {
  return address >= reinterpret_cast<uintptr_t>(image_start) && address < reinterpret_cast<uintptr_t>(text_end);
}

}  // namespace

// Every link is checked before it is followed.
void log_backtrace(HostVirt pc, HostVirt frame) {
  log::error("  at {}", pc);
  for (unsigned depth = 0; depth < 24; ++depth) {
    const HostVirt place = frame - Cpu::frame_record_below;
    if (place.value() % 16 != 0 || !upcall::is_readable(place)) return;
    const auto* const record = reinterpret_cast<const uint64_t*>(place.value());
    const HostVirt next(record[0]);
    const uint64_t return_address = record[1];
    if (!is_text(return_address)) return;
    log::error("  by {:#x}", return_address - 4);
    if (next <= frame) return;
    frame = next;
  }
}

void stop_machine() {
  upcall::stop_other_cpus();
  while (true) Cpu::halt();
}

void panic(std::string_view what) {
  if (!log::panic_mode()) stop_machine();
  log::error("panic: {}", what);
  log_backtrace(HostVirt(reinterpret_cast<uintptr_t>(__builtin_return_address(0))),
                HostVirt(reinterpret_cast<uintptr_t>(__builtin_frame_address(0))));
  stop_machine();
}

void bad_result_access() { panic("took the value of a failed Result, or the error of a good one"); }

}  // namespace hal

extern "C" [[noreturn]] void __stack_chk_fail() { hal::panic("a stack buffer overran"); }
extern "C" [[noreturn]] void __cxa_pure_virtual() { hal::panic("a pure virtual function was called"); }
extern "C" [[noreturn]] void abort() { hal::panic("abort"); }
