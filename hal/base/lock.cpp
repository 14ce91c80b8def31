// SPDX-License-Identifier: Apache-2.0
#include "hal/base/lock.hpp"

namespace hal {

void SpinLock::wait_for(uint16_t ticket) const {
  while (serving_.load(std::memory_order_acquire) != ticket) cpu_relax();
}

}  // namespace hal
