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
#include "hal/log.hpp"
#include "hal/panic.hpp"

extern "C" std::byte exception_vectors[], machine_error_entry[];

namespace arch {
namespace {

using namespace regs;

void report_registers(const HostFrame& frame) {
  for (unsigned n = 0; n < 32; n += 4) {
    hal::log::error("  r{:<2} {:016x} {:016x} {:016x} {:016x}", n, frame.r[n], frame.r[n + 1], frame.r[n + 2],
                    frame.r[n + 3]);
  }
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
  hal::log_backtrace(hal::HostVirt(pc), hal::HostVirt(frame.r[frame_pointer]));
  hal::stop_machine();
}

}  // namespace arch

namespace hal {

void cpu_relax() { arch::Mmu::serve_requests(); }

}  // namespace hal
