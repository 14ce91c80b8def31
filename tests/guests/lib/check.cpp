// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "machine.hpp"

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
  if (verdict(name, !fault.taken)) return;
  hal::format(uart, "not ok {}: exception, ", name);
  describe(uart, fault);
  uart.put("\n");
}

void check_class(std::string_view name, const Fault& fault, unsigned expected) {
  if (verdict(name, fault.taken && fault.exception_class() == expected)) return;
  if (!fault.taken) return print("not ok {}: no exception, expected class {:#x}", name, expected);
  hal::format(uart, "not ok {}: expected class {:#x}, got ", name, expected);
  describe(uart, fault);
  uart.put("\n");
}

}  // namespace guest
