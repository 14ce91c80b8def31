// SPDX-License-Identifier: Apache-2.0
// Making CPUs able to run guests.
#include "hal/virtualization.hpp"

#include <cstddef>
#include <cstdint>

#include "arch/boot.hpp"
#include "arch/cpu.hpp"
#include "arch/loongarch64/irq/irqs.hpp"
#include "arch/loongarch64/smp/mailbox.hpp"
#include "arch/loongarch64/trap/exceptions.hpp"
#include "arch/loongarch64/virt/hypervisor.hpp"
#include "arch/timer.hpp"
#include "hal/base/secondary_start.hpp"
#include "hal/cpu_local.hpp"
#include "hal/log.hpp"
#include "hal/upcall.hpp"

extern "C" std::byte secondary_entry[];

// Read by secondary_entry in boot/head.S.
struct SecondaryBoot {
  uint64_t stack_top;
  uint64_t cpu;
};
extern "C" {
constinit SecondaryBoot secondary_boot{};
}

namespace arch {
namespace {

constinit hal::SecondaryStart startup;

// Of the CPU that is starting, until it has data of its own.
constinit hal::CpuLocal starting_local{};

enum class Started : uint8_t { yes, no, unknown };

Started start_cpu(hal::CpuIndex cpu) {
  const auto resources = hal::upcall::prepare_cpu(cpu);
  if (!resources) {
    hal::log::warning("CPU {}: no memory to start it", cpu);
    return Started::no;
  }
  secondary_boot = {.stack_top = resources->stack_top.value(), .cpu = cpu};
  starting_local.index = cpu;
  startup.expect();
  mailbox::start_cpu(boot::platform().cpus[cpu].hardware_id, boot::phys(secondary_entry));
  const uint64_t deadline = Timer::now() + Timer::frequency();
  switch (startup.wait([&] { return Timer::now() > deadline; })) {
    case hal::SecondaryStart::Outcome::joined: return Started::yes;
    case hal::SecondaryStart::Outcome::refused:
      hal::log::warning("CPU {}: left out: it has no LVZ", cpu);
      return Started::no;
    case hal::SecondaryStart::Outcome::silent: break;
  }
  hal::log::warning("CPU {}: started, but did not report within a second: left out", cpu);
  return Started::unknown;
}

// One after another: what they are told lies in one place. A CPU that does not report may still be on its way to read
// it, so after that one nobody is started.
unsigned start_others(size_t cpus) {
  unsigned online = 0;
  for (hal::CpuIndex cpu = 1; cpu < cpus; ++cpu) {
    const Started started = start_cpu(cpu);
    if (started == Started::unknown) break;
    if (started == Started::yes) ++online;
  }
  return online;
}

[[noreturn]] void stay_out() {
  while (true) Cpu::halt();
}

extern "C" [[noreturn]] void secondary_main(uint64_t cpu) {
  Cpu::set_local(&starting_local);
  install_exception_vectors();
  if (!startup.arrive()) stay_out();
  const bool joins = lvz::is_present();
  if (joins) {
    lvz::join_cpu();
    irqs::join_cpu();
  }
  startup.report(joins);
  if (!joins) stay_out();
  hal::upcall::cpu_ready(static_cast<hal::CpuIndex>(cpu));
}

}  // namespace
}  // namespace arch

namespace hal {

// Interrupts and the timer come first: the shell needs them on a machine that can do no more.
bool enable_virtualization() {
  using namespace arch;
  const irqs::SetupError error = irqs::set_up(boot::loongarch_platform());
  irqs::join_cpu();
  if (error != irqs::SetupError::none) {
    log::error("no VM can run: {}", irqs::explain(error));
    return false;
  }
  if (!lvz::is_present()) {
    log::error("no VM can run: this CPU has no virtualization extension (LVZ)");
    return false;
  }
  lvz::join_cpu();
  const unsigned online = 1 + start_others(platform().cpus.size());
  log::info("{} of {} CPUs can run guests", online, platform().cpus.size());
  return true;
}

}  // namespace hal
