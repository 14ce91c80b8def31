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
#include "hal/log.hpp"
#include "hal/panic.hpp"

extern "C" std::byte exception_vectors[];

namespace arch {
namespace {

using namespace regs;

constexpr std::array<std::string_view, 4> kinds{"synchronous exception", "IRQ", "FIQ", "system error (SError)"};

void report_registers(const GuestFrame& frame) {
  for (unsigned n = 0; n < 28; n += 4) {
    hal::log::error("  x{:<2} {:016x} {:016x} {:016x} {:016x}", n, frame.x[n], frame.x[n + 1], frame.x[n + 2],
                    frame.x[n + 3]);
  }
  hal::log::error("  x28 {:016x} {:016x} lr {:016x}", frame.x[28], frame.x[29], frame.x[30]);
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
  hal::log_backtrace(hal::HostVirt(frame.pc), hal::HostVirt(frame.x[29]));
  hal::stop_machine();
}

}  // namespace arch

namespace hal {

void cpu_relax() { asm volatile("yield"); }

}  // namespace hal
