// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "trap.hpp"  // of this architecture

// What batteries of checks are made of. Each check prints `ok NAME` or `not ok NAME: ...` and is counted.
namespace guest {

void check(std::string_view name, bool holds);
void check_equal(std::string_view name, uint64_t got, uint64_t expected);
void check_status(std::string_view name, int64_t got, int64_t expected);
// An action that must go through, or must raise an exception of this class.
void check_quiet(std::string_view name, const Fault& fault);
void check_class(std::string_view name, const Fault& fault, unsigned expected);

// Whether the calls of this architecture meet nobody. Some refusals do not exist then.
[[nodiscard]] bool is_bare();

struct Count {
  unsigned passed = 0;
  unsigned failed = 0;
};
[[nodiscard]] Count count();

}  // namespace guest
