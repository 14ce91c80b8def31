// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "machine.hpp"
#include "psci.hpp"

namespace guest {

namespace {
constinit Count counted{};

bool verdict(std::string_view name, bool holds) {
  holds ? ++counted.passed : ++counted.failed;
  if (holds) print("ok {}", name);
  return holds;
}
}  // namespace

Count count() { return counted; }

void check(std::string_view name, bool holds) {
  if (!verdict(name, holds)) print("not ok {}", name);
}

void check_equal(std::string_view name, uint64_t got, uint64_t expected) {
  if (!verdict(name, got == expected)) print("not ok {}: got {:#x}, expected {:#x}", name, got, expected);
}

void check_status(std::string_view name, int64_t got, int64_t expected) {
  if (!verdict(name, got == expected)) print("not ok {}: got {}, expected {}", name, got, expected);
}

void check_quiet(std::string_view name, const Fault& fault) {
  if (!verdict(name, !fault.taken)) print("not ok {}: exception, esr {:#x} far {:#x}", name, fault.esr, fault.far);
}

void check_class(std::string_view name, const Fault& fault, unsigned expected) {
  if (verdict(name, fault.taken && fault.exception_class() == expected)) return;
  if (!fault.taken) return print("not ok {}: no exception, expected class {:#x}", name, expected);
  print("not ok {}: esr {:#x}, expected class {:#x}", name, fault.esr, expected);
}

bool is_bare() {
  static constinit bool known = false;
  static constinit bool bare = false;
  if (!known) {
    bare = attempt([] { (void)psci::call(psci::version, 0, 0, 0, psci::Conduit::smc); }).taken;
    known = true;
  }
  return bare;
}

}  // namespace guest
