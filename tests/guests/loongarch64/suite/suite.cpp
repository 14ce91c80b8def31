// SPDX-License-Identifier: Apache-2.0
// Interrupt controllers, timers, devices, translation and CPUs, each register and each rule for itself. Written from
// the manuals; it runs on bare QEMU `virt` too, whose models are the oracle: what holds there must hold in a VM.
#include "suite.hpp"

#include <array>

using namespace guest;

namespace suite {

namespace {
// Between CPUs first: until then they wait in firmware, and after it in a loop of ours.
constexpr std::array batteries{between_cpus, router, bridge, timers, devices, translation, processor};
}  // namespace

}  // namespace suite

extern "C" void guest_main(uint64_t handover) {
  read_machine(handover);
  print("suite: EIOINTC, {} CPU(s), {}", smp::count(), is_bare() ? "no hypervisor" : "a hypervisor");
  mask_interrupts();
  ecfg::write(0);
  for (const auto battery : suite::batteries) battery();
  const Count result = count();
  print("suite: {} passed, {} failed", result.passed, result.failed);
}
