// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"
#include "psci.hpp"

namespace guest {

// Without a hypervisor SMC is undefined on `virt`.
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
