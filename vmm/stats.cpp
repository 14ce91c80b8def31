// SPDX-License-Identifier: Apache-2.0
#include "vmm/stats.hpp"

namespace vmm {

ExitCosts::Line ExitCosts::line(ExitClass exit_class) const {
  const Counters& counters = classes_[static_cast<size_t>(exit_class)];
  return {counters.measured.get(), counters.total.get(), counters.longest.get()};
}

void ExitCosts::clear() {
  for (Counters& counters : classes_) {
    counters.measured.set(0);
    counters.total.set(0);
    counters.longest.set(0);
  }
}

}  // namespace vmm
