// SPDX-License-Identifier: Apache-2.0
// What every host test needs of a machine: a way to stop, and a way to wait.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "hal/base/lock.hpp"
#include "hal/base/panic.hpp"
#include "hal/base/result.hpp"
#include "tests/fakes/support.hpp"

namespace fake {
thread_local std::function<void()> while_waiting;
}

namespace hal {

void panic(std::string_view what) {
  std::fprintf(stderr, "panic: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void bad_result_access() {
  std::fputs("took the value of a failed Result, or the error of a good one\n", stderr);
  std::abort();
}

// A thread that holds a ticket lock may not be running: give it the processor.
void cpu_relax() {
  if (fake::while_waiting) fake::while_waiting();
  std::this_thread::yield();
}

}  // namespace hal
