// SPDX-License-Identifier: Apache-2.0
// Interrupt controller, timers, power control and CPUs, each register and each rule for itself. Written from the
// specifications; it runs on bare QEMU `virt` too, whose models are the oracle: what holds there must hold in a VM.
#include "suite.hpp"

#include <array>
#include <atomic>

using namespace guest;

namespace suite {

uint32_t take() {
  uint32_t token = gic::spurious;
  (void)within(500, [&] { return !gic::is_special(gic::number(token = gic::acknowledge())); });
  return token;
}

bool take_and_end(uint32_t interrupt) {
  const uint32_t token = take();
  if (gic::is_special(gic::number(token))) return false;
  gic::end(token);
  return gic::number(token) == interrupt;
}

bool is_quiet() {
  return !within(10, [] { return (isr_el1::read() & 0xc0) != 0; });
}

namespace {
struct Job {
  smp::Function function;
  uint64_t argument;
  std::atomic<bool> done{false};
};
void carry_out(uint64_t job) {
  gic::enable_cpu();
  // What was sent to it while it went off is none of the function's business.
  for (uint32_t old = gic::acknowledge(); !gic::is_special(gic::number(old)); old = gic::acknowledge()) gic::end(old);
  Job& what = *reinterpret_cast<Job*>(job);
  what.function(what.argument);
  what.done = true;
}

constexpr std::array batteries{distributor, version_2, version_3, cpu_interface, software_interrupts,
                               translation, timers,    power,     processor};
}  // namespace

bool run_on(unsigned cpu, smp::Function function, uint64_t argument) {
  Job job{function, argument};
  if (smp::start(cpu, carry_out, reinterpret_cast<uint64_t>(&job)) != 0) return false;
  // A CPU that QEMU is about to start counts as off there.
  return within(2000, [&] { return job.done && smp::is_off(cpu); });
}

}  // namespace suite

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  print("suite: GICv{}, {} CPU(s), {}", gic::version, smp::count(), is_bare() ? "no hypervisor" : "a hypervisor");
  gic::enable_distributor();
  gic::enable_cpu();
  for (const auto battery : suite::batteries) battery();
  const Count result = count();
  print("suite: {} passed, {} failed", result.passed, result.failed);
}
