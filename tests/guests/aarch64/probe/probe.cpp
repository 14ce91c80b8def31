// SPDX-License-Identifier: Apache-2.0
// A battery of checks of what a guest at EL1 may rely on. It runs on bare QEMU `virt` too, which makes that machine the
// reference: whatever passes there must pass in a VM.
#include <array>

#include "batteries.hpp"
#include "check.hpp"
#include "gic.hpp"
#include "machine.hpp"

namespace probe {

namespace {
constexpr std::array batteries{identification, registers,  exceptions, debugging, monitors, firmware,  mmio_forms,
                               timers,         interrupts, devices,    pci,       memory,   processors};
}  // namespace

}  // namespace probe

extern "C" void guest_main(uint64_t device_tree) {
  guest::read_machine(device_tree);
  guest::print("probe: GICv{}, {}", guest::gic::version, guest::is_bare() ? "no hypervisor" : "a hypervisor");
  guest::gic::enable_distributor();
  guest::gic::enable_cpu();
  for (const auto battery : probe::batteries) battery();
  const guest::Count count = guest::count();
  guest::print("probe: {} passed, {} failed", count.passed, count.failed);
}
