// SPDX-License-Identifier: Apache-2.0
// Exceptions of the hypervisor itself, and machine errors: a report, and the end.
#include "arch/loongarch64/trap/exceptions.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "arch/boot.hpp"
#include "arch/cpu.hpp"
#include "arch/loongarch64/report/report.hpp"
#include "arch/loongarch64/virt/hypervisor.hpp"
#include "arch/mmu.hpp"
#include "arch/sysreg.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/base/result.hpp"
#include "hal/log.hpp"
#include "hal/upcall.hpp"

extern "C" std::byte exception_vectors[], machine_error_entry[], image_start[], text_end[];

namespace arch {
namespace {

using namespace regs;

bool is_text(uint64_t address) {
  return address >= reinterpret_cast<uintptr_t>(image_start) && address < reinterpret_cast<uintptr_t>(text_end);
}

// The chain of frame records: the frame pointer is the caller's SP, below it lie the return address and the caller's
// frame pointer. Every link is checked before it is followed: the stack may be damaged.
void backtrace(uint64_t pc, uint64_t frame) {
  hal::log::error("  at {:#x}", pc);
  for (unsigned depth = 0; depth < 24; ++depth) {
    if (frame % 16 != 0 || !hal::upcall::is_readable(hal::HostVirt(frame - 16))) return;
    const auto* const record = reinterpret_cast<const uint64_t*>(frame - 16);
    const uint64_t next = record[0], return_address = record[1];
    if (!is_text(return_address)) return;
    hal::log::error("  by {:#x}", return_address - 4);
    if (next <= frame) return;
    frame = next;
  }
}

void report_registers(const HostFrame& frame) {
  for (unsigned n = 0; n < 32; n += 4) {
    hal::log::error("  r{:<2} {:016x} {:016x} {:016x} {:016x}", n, frame.r[n], frame.r[n + 1], frame.r[n + 2],
                    frame.r[n + 3]);
  }
}

[[noreturn]] void stop() {
  hal::upcall::stop_other_cpus();
  Cpu::halt();
  __builtin_unreachable();
}

constexpr uint64_t exception_kind = 0;
constexpr unsigned frame_pointer = 22;

}  // namespace

void install_exception_vectors() {
  write<ecfg>(0);
  write<eentry>(reinterpret_cast<uintptr_t>(exception_vectors));
  write<merrentry>(boot::phys(machine_error_entry).value());
}

// trap/vectors.S calls on the emergency stack.
extern "C" void host_exception(const HostFrame& frame, uint64_t kind) {
  // A machine error may come while a guest runs: back to our translation, where the console's registers are.
  if (lvz::is_present()) {
    write<pgdl>(Mmu::host_root());
    exchange<gtlbc>(0, gtlbc::tgid::mask);
    exchange<gstat>(0, gstat::pvm::mask);
  }
  (void)hal::log::panic_mode();
  uint64_t pc = 0;
  if (kind == exception_kind) {
    const uint64_t status = read<estat>();
    pc = read<era>();
    hal::log::error("panic: exception in the hypervisor: {}", cause_of(status));
    hal::log::error("  ESTAT {:#x} BADV {:#x} BADI {:#x} PRMD {:#x}", status, read<badv>(), read<badi>(), read<prmd>());
  } else {
    pc = read<merrera>();
    hal::log::error("panic: machine error");
    hal::log::error("  MERRCTL {:#x} MERRINFO1 {:#x} MERRINFO2 {:#x}", read<merrctl>(), read<merrinfo1>(),
                    read<merrinfo2>());
  }
  report_registers(frame);
  backtrace(pc, frame.r[frame_pointer]);
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

void cpu_relax() { arch::Mmu::serve_requests(); }

}  // namespace hal

extern "C" [[noreturn]] void __stack_chk_fail() { hal::panic("a stack buffer overran"); }
extern "C" [[noreturn]] void __cxa_pure_virtual() { hal::panic("a pure virtual function was called"); }
extern "C" [[noreturn]] void abort() { hal::panic("abort"); }
