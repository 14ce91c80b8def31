// SPDX-License-Identifier: Apache-2.0
// A battery of checks of what a guest at PLV0 may rely on. It runs on bare QEMU `virt` too, which makes that machine the
// reference: whatever passes there must pass in a VM.
#include <array>

#include "batteries.hpp"
#include "check.hpp"
#include "machine.hpp"

namespace probe {

namespace {
constexpr std::array batteries{registers, exceptions, mmio_forms, timers, interrupts, devices, processors};
}  // namespace

}  // namespace probe

extern "C" void guest_main(uint64_t handover) {
  guest::read_machine(handover);
  guest::print("probe: EIOINTC, {}", guest::is_bare() ? "no hypervisor" : "a hypervisor");
  for (const auto battery : probe::batteries) battery();
  const guest::Count count = guest::count();
  guest::print("probe: {} passed, {} failed", count.passed, count.failed);
}
