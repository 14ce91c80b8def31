// SPDX-License-Identifier: Apache-2.0
// Exceptions of the hypervisor itself: a report, and the end.
#include "arch/aarch64/trap/exceptions.hpp"

#include <array>
#include <cstdint>
#include <string_view>

#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/report/report.hpp"
#include "arch/cpu.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/base/result.hpp"
#include "hal/log.hpp"
#include "hal/upcall.hpp"

extern "C" std::byte exception_vectors[], image_start[], text_end[];

namespace arch {
namespace {

using namespace regs;

constexpr std::array<std::string_view, 4> kinds{"synchronous exception", "IRQ", "FIQ", "system error (SError)"};

bool is_text(uint64_t address) {
  return address >= reinterpret_cast<uintptr_t>(image_start) && address < reinterpret_cast<uintptr_t>(text_end);
}

// The chain of frame records (AAPCS64 6.4.6). Every link is checked before it is followed: the stack may be damaged.
void backtrace(uint64_t pc, uint64_t frame) {
  hal::log::error("  at {:#x}", pc);
  for (unsigned depth = 0; depth < 24; ++depth) {
    if (frame % 16 != 0 || !hal::upcall::is_readable(hal::HostVirt(frame))) return;
    const auto* const record = reinterpret_cast<const uint64_t*>(frame);
    const uint64_t next = record[0], return_address = record[1];
    if (!is_text(return_address)) return;
    hal::log::error("  by {:#x}", return_address - 4);
    if (next <= frame) return;
    frame = next;
  }
}

void report_registers(const GuestFrame& frame) {
  for (unsigned n = 0; n < 28; n += 4) {
    hal::log::error("  x{:<2} {:016x} {:016x} {:016x} {:016x}", n, frame.x[n], frame.x[n + 1], frame.x[n + 2],
                    frame.x[n + 3]);
  }
  hal::log::error("  x28 {:016x} {:016x} lr {:016x}", frame.x[28], frame.x[29], frame.x[30]);
}

[[noreturn]] void stop() {
  hal::upcall::stop_other_cpus();
  while (true) Cpu::halt();
}

}  // namespace

void install_exception_vectors() {
  write<vbar_el2>(reinterpret_cast<uintptr_t>(exception_vectors));
  isb();
}

// trap/vectors.S calls on the emergency stack. `frame` has the place of `vcpu` used for the old SP.
extern "C" void host_exception(const GuestFrame& frame, uint64_t kind) {
  (void)hal::log::panic_mode();
  const uint64_t esr = read<esr_el2>();
  hal::log::error("panic: {} in the hypervisor: {}", kinds[kind % kinds.size()], cause_of(esr));
  hal::log::error("  ESR {:#x} FAR {:#x} PSTATE {:#x} SP {}", esr, read<far_el2>(), frame.pstate,
                  static_cast<const void*>(frame.vcpu));
  report_registers(frame);
  backtrace(frame.pc, frame.x[29]);
  stop();
}

}  // namespace arch

namespace hal {

void panic(std::string_view what) {
  if (!log::panic_mode()) arch::stop();
  log::error("panic: {}", what);
  arch::backtrace(reinterpret_cast<uint64_t>(__builtin_return_address(0)),
                  reinterpret_cast<uint64_t>(__builtin_frame_address(0)));
  arch::stop();
}

void bad_result_access() { panic("took the value of a failed Result, or the error of a good one"); }

void cpu_relax() { asm volatile("yield"); }

}  // namespace hal

extern "C" [[noreturn]] void __stack_chk_fail() { hal::panic("a stack buffer overran"); }
extern "C" [[noreturn]] void __cxa_pure_virtual() { hal::panic("a pure virtual function was called"); }
extern "C" [[noreturn]] void abort() { hal::panic("abort"); }
