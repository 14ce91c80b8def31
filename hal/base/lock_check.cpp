// SPDX-License-Identifier: Apache-2.0
// The lock order, verified on the host: PLINTH_CHECK_LOCKS. A thread stands for a CPU.
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "hal/base/lock.hpp"

namespace hal {
namespace {

struct HeldLocks {
  std::array<const SpinLock*, 16> locks{};  // in the order in which they were taken
  size_t count = 0;
};
thread_local constinit HeldLocks held;

[[noreturn]] void wrong(const char* what, const SpinLock& lock) {
  std::fprintf(stderr, "%s: lock of rank %u; held, oldest first:", what, static_cast<unsigned>(lock.rank()));
  for (size_t i = 0; i < held.count; ++i) std::fprintf(stderr, " %u", static_cast<unsigned>(held.locks[i]->rank()));
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace

void SpinLock::entering() {
  if (held.count > 0 && rank() <= held.locks[held.count - 1]->rank()) wrong("lock taken out of order", *this);
  if (held.count == held.locks.size()) wrong("too many locks held", *this);
  held.locks[held.count++] = this;
}

// Locks need not be released in the reverse order.
void SpinLock::leaving() {
  for (size_t i = held.count; i-- > 0;) {
    if (held.locks[i] != this) continue;
    for (--held.count; i < held.count; ++i) held.locks[i] = held.locks[i + 1];
    return;
  }
  wrong("released a lock that is not held", *this);
}

unsigned held_locks() { return static_cast<unsigned>(held.count); }

}  // namespace hal
