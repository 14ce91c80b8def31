// SPDX-License-Identifier: Apache-2.0
// What the hypervisor's code asks of whatever it is linked into: here, a program that can end.
#include <cstdio>
#include <cstdlib>

#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"

namespace hal {

// Nobody is waited for: there is one thread.
void cpu_relax() {}

void bad_result_access() {
  std::fputs("plinth-host: internal error: took the value of a failed Result\n", stderr);
  std::abort();
}

}  // namespace hal
