// SPDX-License-Identifier: Apache-2.0
// A battery of checks of what a guest at EL1 may rely on. It runs on bare QEMU `virt` too, which makes that machine the
// reference: whatever passes there must pass in a VM.
#include <array>

#include "check.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "psci.hpp"

namespace probe {

namespace {
constinit Count counted{};

bool verdict(std::string_view name, bool holds) {
  holds ? ++counted.passed : ++counted.failed;
  if (holds) guest::print("ok {}", name);
  return holds;
}
}  // namespace

Count count() { return counted; }

void check(std::string_view name, bool holds) {
  if (!verdict(name, holds)) guest::print("not ok {}", name);
}

void check_equal(std::string_view name, uint64_t got, uint64_t expected) {
  if (!verdict(name, got == expected)) guest::print("not ok {}: got {:#x}, expected {:#x}", name, got, expected);
}

void check_status(std::string_view name, int64_t got, int64_t expected) {
  if (!verdict(name, got == expected)) guest::print("not ok {}: got {}, expected {}", name, got, expected);
}

void check_quiet(std::string_view name, const guest::Fault& fault) {
  if (!verdict(name, !fault.taken))
    guest::print("not ok {}: exception, esr {:#x} far {:#x}", name, fault.esr, fault.far);
}

void check_class(std::string_view name, const guest::Fault& fault, unsigned expected) {
  if (verdict(name, fault.taken && fault.exception_class() == expected)) return;
  if (!fault.taken) return guest::print("not ok {}: no exception, expected class {:#x}", name, expected);
  guest::print("not ok {}: esr {:#x}, expected class {:#x}", name, fault.esr, expected);
}

bool is_bare() {
  static constinit bool known = false;
  static constinit bool bare = false;
  if (!known) {
    bare =
        guest::attempt([] { (void)guest::psci::call(guest::psci::version, 0, 0, 0, guest::psci::Conduit::smc); }).taken;
    known = true;
  }
  return bare;
}

namespace {
constexpr std::array batteries{identification, registers,  exceptions, firmware, mmio_forms,
                               timers,         interrupts, devices,    memory,   processors};
}  // namespace

}  // namespace probe

extern "C" void guest_main(uint64_t device_tree) {
  guest::read_machine(device_tree);
  guest::print("probe: GICv{}, {}", guest::machine.gic, probe::is_bare() ? "no hypervisor" : "a hypervisor");
  guest::gic::enable_distributor();
  guest::gic::enable_cpu();
  for (const auto battery : probe::batteries) battery();
  const probe::Count count = probe::count();
  guest::print("probe: {} passed, {} failed", count.passed, count.failed);
}
