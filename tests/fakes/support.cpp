// SPDX-License-Identifier: Apache-2.0
// What every host test needs of a machine: a way to stop, and a way to wait.
#include <cstdio>
#include <cstdlib>

#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/base/result.hpp"

namespace hal {

void panic(std::string_view what) {
  std::fprintf(stderr, "panic: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void bad_result_access() {
  std::fputs("took the value of a failed Result, or the error of a good one\n", stderr);
  std::abort();
}

void cpu_relax() {}

}  // namespace hal
